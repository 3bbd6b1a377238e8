/* lexicon_places.c: where, when and how: places with their preposition, adjectives, adverbs, times.
 *
 * The same rules as in lexicon_people.c. A place is stored as it stands after "was": "in the barn";
 * what follows the first blank is the place itself. */
#include "teller_impl.h"

const WordList lexicon_places[] = {
    {"outdoor", PLACE,
     "in the garden,in the park,in the forest,in the meadow,in the yard,in the orchard,in the "
     "field,"
     "in the valley,in the jungle,in the desert,in the village,in the street,in the square,in the "
     "swamp,in the playground,in the vineyard,in the zoo,in the canyon,on the beach,on the hill,on "
     "the island,on the mountain,on the path,on the pier,on the dune,on the bridge,on the lawn,on "
     "the cliff,by the river,by the lake,by the pond,by the sea,by the well,by the stream,by the "
     "waterfall,by the old mill,by the gate,by the lighthouse,by the fountain,by the campfire,at "
     "the market,at the fair,at the farm,at the harbour,at the bus stop,at the stadium"},
    {"indoor", PLACE,
     "in the kitchen,in the attic,in the cellar,in the barn,in the library,in the bedroom,in the "
     "hall,in the classroom,in the workshop,in the stable,in the shed,in the tower,in the cottage,"
     "in the garage,in the museum,in the theatre,in the greenhouse,in the palace,in the cave,in "
     "the "
     "bakery,in the nursery,in the cabin,in the lobby,in the studio,at the school,at the "
     "station,at "
     "the inn,at the hospital,at the shop,at the airport"},
    {"spot", SPOT,
     "under the bed,under a bush,under a leaf,under the table,under a pile of hay,under the rug,"
     "under a bench,behind the door,behind a curtain,behind a rock,behind a barrel,behind the oven,"
     "behind the fence,inside a box,inside a drawer,inside an old boot,inside a hollow log,inside "
     "a "
     "nest,inside a pocket,inside a cupboard,inside a suitcase,between two stones,between the "
     "cushions,between the roots,near the chimney,near the stairs,near the hedge,near the "
     "window,on "
     "top of the shelf,on top of a cart,next to the stove,next to the ditch,beside the puddle,"
     "beside the tent,beneath the porch,beneath a plank"},
    {"trait", NOBODY,
     "kind,brave,clever,cheerful,curious,gentle,shy,quiet,polite,friendly,playful,honest,patient,"
     "careful,lively,sleepy,silly,funny,smart,little,young,tall,thoughtful,helpful,lonely,hungry,"
     "busy,merry,proper,bold,dreamy,tidy,messy,stubborn,generous,loyal,eager,daring,humble,"
     "sensible,witty,noisy,restless,charming,sturdy,nimble,freckled,cautious,jolly,bright"},
    {"praise", NOBODY,
     "kind,brave,clever,gentle,helpful,honest,patient,generous,loyal,thoughtful,friendly,nice,good,"
     "sweet,noble,fair,faithful,polite,wise,skilful"},
    {"colour", NOBODY,
     "red,blue,green,yellow,white,black,brown,purple,pink,grey,golden,silver,turquoise,crimson,"
     "violet,scarlet,beige,copper,ivory,lilac,teal,maroon,bronze,amber"},
    {"look", NOBODY,
     "shiny,dusty,round,tiny,huge,heavy,light,smooth,rough,soft,wooden,broken,crooked,striped,"
     "spotted,painted,rusty,polished,dull,sparkling,plain,fancy,strange,rare,simple,sturdy,fragile,"
     "thin,thick,square,long,short,wide,narrow,old,new,pretty,ugly,wonderful,beautiful,ordinary,"
     "curved,carved,woven,handmade,expensive,cheap,useful,special,colourful,faded,glittering"},
    {"weather", NOBODY,
     "sunny,rainy,windy,cloudy,foggy,snowy,stormy,chilly,warm,cold,hot,mild,misty,frosty,breezy,"
     "damp,dry,gloomy,clear,humid"},
    {"glad", MOOD,
     "happy,glad,proud,joyful,pleased,thankful,relieved,delighted,content,calm,cheerful,excited,"
     "peaceful,merry,grateful,hopeful,satisfied,lucky,safe,loved"},
    {"sad", MOOD,
     "sad,worried,upset,afraid,lonely,angry,tired,nervous,gloomy,jealous,confused,bored,ashamed,"
     "scared,unhappy,disappointed,anxious,miserable,helpless,puzzled"},
    {"adv", NOBODY,
     "quickly,slowly,carefully,quietly,gently,happily,bravely,eagerly,calmly,softly,loudly,proudly,"
     "patiently,politely,kindly,cheerfully,suddenly,silently,gladly,nervously,boldly,busily,"
     "cleverly,curiously,firmly,gracefully,hastily,honestly,lightly,merrily,neatly,openly,"
     "playfully,promptly,quaintly,safely,steadily,swiftly,tenderly,thoughtfully,warmly,wearily,"
     "wildly,wisely,briskly,clumsily,excitedly,shyly,sleepily,sternly"},
    {"season", NOBODY,
     "spring,summer,autumn,winter,January,February,March,April,May,June,July,August,September,"
     "October,November,December"},
    {"day", NOBODY, "Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday"},
    {"part", NOBODY, "morning,afternoon,evening,day"},
    {"hobby", NOBODY,
     "painting,singing,dancing,reading,climbing,swimming,drawing,cooking,fishing,running,"
     "gardening,knitting,sewing,cycling,skating,camping,hiking,riddles,puzzles,stories,music,"
     "picnics,snow,trains,ships,stars,insects,maps,horses,magic tricks,chess,ball games,jokes,"
     "poems,animals,planets,machines,flowers,dinosaurs,castles"},
    {"skill", NOBODY,
     "swim,whistle,juggle,skate,knit,ride,paint,draw,read,write,cook,dance,sing,climb,sail,dive,"
     "row,ski,bake,fish,weave,sew,hop,cartwheel,yodel,spell,count,fly a kite,tie a knot,build a "
     "fire,throw a ball,play chess,blow bubbles,carve wood,plant seeds,fold paper,tell jokes,skip "
     "stones,milk a cow,saddle a horse"},
    {"game", NOBODY,
     "tag,hopscotch,marbles,leapfrog,football,tennis,cards,dominoes,checkers,badminton,charades,"
     "cricket,hockey,basketball"},
    {"chore", NOBODY,
     "sweep the floor,wash the dishes,feed the hens,water the flowers,chop the wood,fold the "
     "laundry,rake the leaves,clean the windows,carry the bags,paint the fence,pick the berries,"
     "dust the shelves,shovel the snow,set the table,peel the potatoes,stack the boxes,pull the "
     "weeds,polish the boots,mop the stairs,brush the horse"},
    {"flyer", NOBODY,
     "bird,bee,moth,dragonfly,wasp,gull,hawk,eagle,goose,stork,swan,raven,cuckoo,blackbird,finch,"
     "lark,heron,falcon,magpie,wren"},
    {"moved", NOBODY,
     "hopped,flew,crept,ran,danced,hurried,wandered,rushed,skipped,marched,trotted,jumped,crawled,"
     "tiptoed,strolled,raced,limped,galloped,tumbled,slipped"},
    {"noise", NOBODY,
     "bang,splash,crash,buzz,roar,squeak,whisper,howl,rumble,giggle,click,thud,chirp,hiss,rustle,"
     "creak,jingle,growl,groan,pop"},
    {"sky", NOBODY,
     "sun,moon,wind,rain,fog,snow,rainbow,thunder,breeze,hail,sky,frost,mist,shade,storm"},
    {"number", NOBODY, "two,three,four,five,six,seven,eight,nine,ten,eleven,twelve"},
    {"treat", NOBODY,
     "lemonade,hot chocolate,apple juice,warm soup,fresh bread,popcorn,ice cream,candy,toast,tea,"
     "porridge,roasted nuts,jelly,fudge,gingerbread"},
};
const int lexicon_n_places = (int)(sizeof lexicon_places / sizeof *lexicon_places);
