/* lexicon_places.c: where, when and how: places with their preposition, adjectives, adverbs, times.
 *
 * The same rules as in lexicon_people.c. A place is stored as it stands after "was": "in the barn";
 * what follows the first blank is the place itself. */
#include "teller_impl.h"

const WordList lexicon_places[] = {
    {"outdoor", PLACE,
     "in the garden,in the forest,in the orchard,in the valley,in the village,in the square,"
     "in the vineyard,in the canyon,on the island,on the pier,on the bridge,by the river,"
     "by the pond,by the stream,by the old mill,by the fountain,at the market,at the harbour"},
    {"indoor", PLACE,
     "in the kitchen,in the cellar,in the bedroom,in the classroom,in the shed,in the cottage,"
     "in the theatre,in the palace,in the nursery,in the lobby,at the station,at the hospital"},
    {"away", PLACE,
     "in the meadow,in the park,in the town,in the jungle,in the desert,on the hill,on the beach,"
     "on the farm,by the lake,by the sea,at the zoo,at the lighthouse"},
    {"house", PLACE,
     "in the attic,in the library,in the bakery,in the museum,in the castle,in the tower,in the barn,"
     "in the school,in the hall,at the shop"},
    {"spot", SPOT,
     "under the bed,under a leaf,under the rug,behind the door,behind a barrel,behind the fence,"
     "inside an old boot,inside a pocket,inside a suitcase,between the roots,near the stairs,"
     "on top of the shelf,next to the stove,beside the tent"},
    {"trait", NOBODY,
     "kind,brave,clever,cheerful,curious,gentle,shy,quiet,polite,friendly,playful,honest,patient,"
     "careful,lively,sleepy,silly,funny,smart,little"},
    {"praise", NOBODY, "kind,brave,clever,gentle,helpful,honest,patient,generous"},
    {"colour", NOBODY, "red,blue,green,yellow,white,black,brown,purple,pink,grey,golden,silver"},
    {"look", NOBODY,
     "shiny,dusty,round,tiny,huge,heavy,light,smooth,rough,soft,wooden,broken,crooked,striped,"
     "spotted,painted,rusty,polished,dull,sparkling,plain,fancy"},
    {"weather", NOBODY, "sunny,rainy,windy,cloudy,foggy,snowy,stormy,chilly,warm,cold"},
    {"glad", MOOD, "happy,glad,proud,joyful,pleased,thankful,relieved,delighted,content,calm"},
    {"sad", MOOD, "sad,worried,upset,afraid,lonely,angry,tired,nervous,gloomy,jealous"},
    {"adv", NOBODY,
     "quickly,slowly,carefully,quietly,gently,happily,bravely,eagerly,calmly,softly,loudly,"
     "proudly,patiently,politely,kindly,cheerfully,suddenly,silently,gladly,nervously,boldly,"
     "busily,cleverly,curiously"},
    {"season", NOBODY,
     "spring,summer,autumn,winter,January,February,March,April,May,June,July,August,September,"
     "October,November,December"},
    {"day", NOBODY, "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"},
    {"part", NOBODY, "morning,afternoon,evening,day"},
    {"hobby", NOBODY,
     "painting,singing,dancing,reading,climbing,swimming,drawing,cooking,fishing,running,"
     "gardening,knitting,sewing,cycling,skating,camping"},
    {"craze", NOBODY, "baking,hiking,rowing,weaving,surfing,hunting for shells,making puppets"},
    {"skill", NOBODY,
     "swim,whistle,juggle,skate,knit,ride,paint,draw,read,write,cook,dance,sing,climb,sail,dive"},
    {"game", NOBODY, "tag,hopscotch,marbles,leapfrog,football,tennis,cards,dominoes"},
    {"chore", NOBODY,
     "sweep the floor,wash the dishes,feed the hens,water the flowers,chop the wood,"
     "fold the laundry,rake the leaves,clean the windows"},
    {"flyer", NOBODY, "bird,bee,moth,dragonfly,wasp,gull,hawk,eagle,goose,stork"},
    {"moved", NOBODY, "hopped,flew,crept,ran,danced,hurried,wandered,rushed,skipped,marched"},
    {"noise", NOBODY, "bang,splash,crash,buzz,roar,squeak,whisper,howl,rumble,giggle,click,thud"},
    {"sky", NOBODY, "sun,moon,wind,rain,fog,snow,rainbow,thunder"},
    {"number", NOBODY, "two,three,four,five,six,seven,eight,nine,ten,eleven,twelve"},
    {"treat", NOBODY,
     "lemonade,hot chocolate,apple juice,warm soup,fresh bread,popcorn,ice cream,candy"},
};
const int lexicon_n_places = (int)(sizeof lexicon_places / sizeof *lexicon_places);
