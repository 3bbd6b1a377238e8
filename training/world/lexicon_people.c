/* lexicon_people.c: who the stories are about and what they hold: one list per kind of word.
 *
 * A list is one text, items separated by commas. No item may be the beginning of another one that
 * goes on with a blank ("ice", "ice cream"), or a reader could not tell which was meant. Known first
 * names never start with V, X or Z: those letters are left to invented names. The hero
 * is a girl or a boy, other children are lasses and lads: lists without a word in common spare the
 * reader (and the model) the question whether a name is taken. So with music and brass, with hobby and
 * craze, and with the places where a story begins and those it goes to. */
#include "teller_impl.h"

const WordList lexicon_people[] = {
    {"girl", SHE,
     "Lily,Anna,Mia,Emma,Rosa,Nora,Ella,Clara,Ruby,Daisy,Ivy,Lucy,Molly,Hanna,Grace,Ada"},
    {"lass", SHE, "Bella,Carla,Dora,Eva,Fiona,Gina,Holly,Ines,Kate,Nina,Polly,Sally"},
    {"boy", HE,
     "Tim,Tom,Ben,Max,Sam,Leo,Jack,Finn,Noah,Oscar,Peter,Hugo,Adam,Billy,Carl,David"},
    {"lad", HE, "Eric,Felix,George,Henry,Ivan,James,Kevin,Liam,Nick,Paul,Ralph,Simon"},
    {"adult", ANYONE,
     "Mum:s,Dad:h,Grandma:s,Grandpa:h,Aunt Maud:s,Uncle Jim:h,Mrs. Hill:s,Mr. Stone:h"},
    {"role", NOBODY,
     "baker,farmer,gardener,teacher,doctor,sailor,fisherman,carpenter,tailor,painter,postman,"
     "librarian,nurse,shepherd,miller,blacksmith,clown,pilot"},
    {"pet", IT,
     "rabbit,kitten,puppy,duckling,hedgehog,squirrel,mouse,sparrow,owl,turtle,frog,lamb,chick,"
     "hamster,robin,pigeon,goose,goat"},
    {"beast", IT,
     "bear,wolf,lion,tiger,elephant,giraffe,monkey,kangaroo,camel,whale,dolphin,seal"},
    {"companion", IT,
     "fox,cat,dog,dragon,unicorn,horse,pig,cow,duck,dinosaur,monster,snail,parrot,penguin,panda,"
     "zebra"},
    {"toy", IT,
     "ball,doll,kite,drum,puzzle,robot,top,teddy,yo-yo,marble,scooter,sledge,hoop,swing,puppet,"
     "rattle,truck,train"},
    {"tool", IT,
     "hammer,shovel,rope,ladder,bucket,broom,rake,saw,needle,brush,lantern,torch,basket,kettle,"
     "spoon,umbrella,blanket,map"},
    {"gem", IT,
     "coin,ring,pearl,shell,stone,feather,medal,crown,jewel,crystal,locket,button,bead,letter,"
     "book,photo,ticket,necklace"},
    {"wear", IT, "hat,scarf,coat,glove,sock,shoe,boot,jacket,cap,dress,shirt,sweater"},
    {"food", IT,
     "apple,pear,plum,peach,banana,orange,cookie,sandwich,pie,cake,bun,muffin,pancake,carrot,"
     "potato,sausage,omelette,waffle"},
    {"stuff", NOBODY,
     "flour,sugar,butter,milk,honey,salt,pepper,cheese,rice,beans,onions,garlic,peas,cabbage"},
    {"plant", IT, "tulip,rose,sunflower,daisy,poppy,lavender bush,apple tree,oak"},
    {"music", IT, "violin,piano,guitar,cello,banjo,harp"},
    {"brass", IT, "trumpet,recorder,accordion,flute,horn,clarinet"},
    {"craft", IT,
     "birdhouse,raft,fence,bench,bridge,tent,snowman,sandcastle,treehouse,mobile,collage,crib"},
    {"relation", ANYONE, "friend,neighbour,cousin,classmate,sister:s,brother:h"},
};
const int lexicon_n_people = (int)(sizeof lexicon_people / sizeof *lexicon_people);
