//! Names that many people have, in English-speaking countries first of all. Written from general knowledge; far from complete.

use std::collections::HashSet;
use std::sync::LazyLock;

const GIVEN: &str = "aaron abdul abigail adam adrian agnes ahmed aisha alan albert alejandro alex alexander alexandra alfred alice alicia alison ali \
    allison alyssa amanda amara amber amelia amir amy ana anastasia andre andrea andrew andy angela anil anita anjali ann anna anne annie anthony antonio \
    aoife arjun arthur arun ashley ashok audrey austin ava barbara beatrice becky ben benjamin bernard beth betty beverly bill bob bobby bonnie brandon \
    brenda brendan brian bridget bruce bryan caitlin cameron carl carla carlos carmen carol caroline carolyn catherine cathy charles charlie charlotte chen \
    cheryl chloe chris christina christine christopher cindy claire clara colin connor craig crystal cynthia daisy dan daniel danielle danny darren dave \
    david dawn deborah debbie declan deepak denise dennis derek diana diane diego dmitri dominic don donald donna doris dorothy doug douglas duncan dylan \
    edith edward edwin eileen elaine eleanor elena elizabeth ella ellen ellie emily emma eric erica erik erin ethan eugene eva evan evelyn fatima felix \
    fernando fiona florence frances francis francisco frank fred frederick gabriel gail gareth gary gavin geoff george gerald gillian gina giovanni gita \
    gloria gordon graham greg gregory gustavo hannah harold harry hassan hazel heather hector helen henry holly howard hugh hugo ian ibrahim imran ingrid \
    irene isaac isabella ivan jack jackie jacob jacqueline jade jake james jamie jan jane janet janice jasmine jason javier jean jeff jeffrey jennifer \
    jenny jeremy jerry jesse jessica jill jim jimmy joan joanna joanne joe joel johan john johnny jon jonathan jordan jorge jose joseph josh joshua joyce \
    juan juanita judith judy julia julian julie justin karen karl kate katherine kathleen kathryn kathy katie kayla keith kelly ken kenneth kerry kevin \
    kieran kim kimberly kiran krishna kumar kyle lakshmi larry laura lauren laurence lawrence leah lee leila leo leon leonard leslie lewis liam lily linda \
    lindsay lisa liz logan lois lorraine louis louise lucas lucia lucy luis luke lynn mabel madison maggie malcolm manuel marco marcus margaret maria \
    marie marilyn mario marion mark marlene martha martin marvin mary mateo matt matthew maureen maurice max megan melanie melissa mia michael michelle \
    miguel mike mildred mohamed mohammed molly monica monique morgan muhammad nadia nancy naomi natalie natasha nathan neil nicholas nick nicola nicole \
    nigel nina noah noel nora norma norman oliver olivia olga omar oscar owen pablo pamela patricia patrick paul paula pauline pedro peggy peter phil philip \
    phillip phyllis pierre pooja priya rachel rahul raj rajesh ralph ramesh ramon randy raul ravi ray raymond rebecca regina renee rhonda ricardo richard \
    rick ricky rita rob robert roberto robin rodney roger roland ron ronald rosa rosemary ross roy ruby russell ruth ryan sally sam samantha samuel sandra \
    sandy sanjay santiago sara sarah scott sean sebastian sergei sergio shannon sharon shaun shawn sheila shelley shirley siobhan sofia sophia sophie stacey \
    stanley stella stephanie stephen steve steven stuart sunil suresh susan suzanne sven sylvia tamara tanya tara ted teresa terry thabo theresa thomas tim \
    timothy tina todd tom tomasz tommy tony tracey tracy trevor tyler valerie vanessa vera veronica vicki vicky victor victoria vijay vikram vincent \
    virginia vivian walter wanda warren wayne wei wendy william willie xavier yolanda yuki yusuf yvonne zachary zainab zoe";

const FAMILY: &str = "adams ahmed alexander ali allen alvarez anderson andersson armstrong arnold ashton atkinson bailey baker banerjee barker barnes barnett barrett \
    becker begum bell bennett berry bishop black boyd bradley brady brennan brooks brown bryant burke burns burton butler byrne campbell carlson carpenter \
    carr carroll carter castillo castro chan chang chapman chavez chen choi clark clarke coleman collins cook cooper cox crawford cruz cunningham curtis daly \
    daniels davies davis dawson delgado desai diaz dixon dlamini doe doherty douglas doyle duncan dunn edwards elliott ellis evans farrell ferguson fernandez \
    fernando fisher fitzgerald fleming fletcher flores ford foster fox francis franklin fraser freeman fuller garcia gardner garza gibson gill gomez \
    gonzales gonzalez gordon graham grant gray green greene griffin griffiths gupta gutierrez haddad hall hamilton hansen hanson harper harris harrison hart \
    harvey hassan hayes henderson henry hernandez herrera hicks hill hoffman holland holmes hopkins howard hudson hughes hunt hunter hussain iyer jackson \
    jacobs james jansen jenkins jensen jimenez johansson johnson johnston jones jordan joseph kapoor kaur kelley kelly kennedy khan kim king klein knight \
    kowalski kumar lambert lane larson lawrence lawson lee lewis li lin little liu lopez lynch macdonald malik marshall martin martinez mason matthews \
    mccarthy mcdonald mcgrath mckenzie medina mehta mendez mendoza meyer miller mills mitchell moore morales moran moreno morgan morris morrison moyo \
    mueller muller murphy murray myers nair nelson newman ng nguyen nichols nielsen nkosi nolan o'brien o'connor o'neill o'sullivan obi okafor oliver olsen \
    ortiz osborne owens palmer park parker patel patterson payne pearson perez perkins perry peters petersen peterson petrov phillips pierce porter powell \
    price quinn ramirez ramos rao reddy reed reid reilly reyes reynolds rice richards richardson riley rivera roberts robertson robinson rodriguez rogers \
    romero rose ross russell russo ryan sanchez sanders santos schmidt schneider schwartz scott shah sharma shaw silva simmons simpson singh smith snyder \
    sokolov spencer stephens stevens stewart stone sullivan tan tanaka taylor thomas thompson torres tran tucker turner vargas vasquez wagner walker wallace \
    walsh wang ward warren washington watkins watson weaver webb weber wells west wheeler white williams williamson wilson wong wood woods wright wu yang \
    young zhang zhao";

/// Names that are words too: names only where they are written so, or called so.
const WORDS: &str = "art austin baker bell berry best bill black bob brown cook dawn dean don drew fisher ford fox frank gardner grant gray green hart harper hill \
    hunt hunter jack jean joy kim king knight lane lee little long mark mason max may mike miles mills morgan park parker pat penny porter price ray rice rich \
    rob robin rose ross sally sam sandy scott sue ted tim tom tucker turner walker ward wells west white will wood woods young virginia victoria charlotte \
    jordan madison washington francis crystal amber daisy lily ruby jade hazel holly heather grace oscar juliet romeo victor charlie papa butler carpenter \
    cooper freeman bishop stone webb weaver wheeler shaw boyd";

static GIVEN_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| GIVEN.split_whitespace().collect());
static FAMILY_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| FAMILY.split_whitespace().collect());
static COMMON_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

/// Whether a lower-case word is a given name.
pub(super) fn given(word: &str) -> bool {
    GIVEN_NAMES.contains(word)
}

/// Whether a lower-case word is a family name.
pub(super) fn family(word: &str) -> bool {
    FAMILY_NAMES.contains(word)
}

/// Whether a name is hardly ever anything else.
pub(super) fn only_name(word: &str) -> bool {
    (given(word) || family(word)) && !COMMON_WORDS.contains(word)
}
