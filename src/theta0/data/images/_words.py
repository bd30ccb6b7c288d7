"""Common English words of two to thirteen letters, for pictures of text."""

WORDS = tuple(
    """
    able above acid across action advice after again age air all almost alone along always amount
    angle animal answer apple april arch area arm art ask autumn away axis back balance ball band
    bank base basin beauty because bed before begin bell below best better between big bird black
    blue board boat body bone book border both bottle box branch brave bread bridge bright bring
    brother brown build bus but button buy calm camera candle carbon careful carry castle cause
    center chain chair chance change cheap circle city clean clear clock cloud coast coffee cold
    color common compass copper corner cotton country courage cover crowd cup current curve cycle
    dance dark daughter day deep degree delight desert detail different dinner direction distance
    do door double down dream drive dry during dust eagle early earth east easy echo edge education
    effect eight electric empty end engine equal even evening every exact example expert eye face
    fact fair family far farmer fast father feather field figure final find fire first fish five
    flag flight floor flower fly fold follow food forest form forward four fox frame free fresh
    friend from fruit full future game garden gas general gentle gift giraffe give glass go gold
    good grain grass great green group guide half hammer hand happy harbor hard have head heart
    heavy help high history hold honest horizon horse hour house human hundred ice idea if image
    important in inside instrument iron island it jacket jazz job join journey juice jump just keep
    key kind king kitchen knife know knowledge lake lamp language large late laugh leaf learn left
    letter level library light line lion liquid listen little local long lucky machine magic many
    map market matter measure memory metal method middle milk mind minute mirror model moment money
    moon morning mother motion mountain mouth movement music name narrow nation nature near network
    never new night nine noise north nothing notice number object ocean of office often oil old on
    one only open orange orbit order other our out oxygen page paint paper parallel park past path
    pattern peace pencil people perfect period picture piece place plain planet plant plate play
    please point polish porcupine power practice pressure print prize problem process proof public
    pull purple quality quartz question quick quiet radio rain random reason record red rhythm
    rice right ring river road rock room root rough round rule run salt same sand science sea
    season second see seven shadow shape sharp ship short side signal silver simple sister six size
    sky sleep slow small smooth snow so soft solid some sound south space special spring square
    stage star station stone story straight stream street strong student summer sun surface sweet
    system table temperature ten theory thin thing thousand three through time to together tomorrow
    touch train tree triangle true turn two under unit up valley value vector very view village
    violet voice walk wall warm watch water wave way weather weight west wheel white whole why wide
    window winter wire wisdom wonderful wood word work world write yard year yellow yes yesterday
    you young zebra zero zone
    """.split()
)
