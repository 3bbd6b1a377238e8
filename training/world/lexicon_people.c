/* lexicon_people.c: who the stories are about and what they hold: one list per kind of word.
 *
 * A list is one text, items separated by commas. No item may be the beginning of another one that
 * goes on with a blank ("ice", "ice cream"), or a reader could not tell which was meant. Known first
 * names never start with V, X or Z: those letters are left to invented names. */
#include "teller_impl.h"

const WordList lexicon_people[] = {
    {"girl", SHE,
     "Lily,Anna,Mia,Emma,Rosa,Nora,Ella,Clara,Ruby,Daisy,Ivy,Lucy,Molly,Hanna,Grace,Ada,Bella,"
     "Carla,Dora,Eva,Fiona,Gina,Holly,Ines,Jane,Kate,Lena,Maya,Nina,Olga,Polly,Rita,Sara,Tina,"
     "Una,Wendy,Alice,Betty,Cora,Elsa,Frida,Greta,Hazel,Iris,Julia,Kira,Lola,Marta,Nelly,Paula,"
     "Rachel,Sophie,Tessa,Wilma,Amy,Beth,Celia,Edith,Flora,Gloria"},
    {"boy", HE,
     "Tim,Tom,Ben,Max,Sam,Leo,Jack,Finn,Noah,Oscar,Peter,Hugo,Adam,Billy,Carl,David,Eric,Felix,"
     "George,Henry,Ivan,James,Kevin,Liam,Martin,Nick,Otto,Paul,Ralph,Simon,Theo,Walter,Albert,"
     "Bruno,Colin,Daniel,Edgar,Fred,Gus,Harry,Isaac,Jonas,Karl,Louis,Marco,Nathan,Oliver,Philip,"
     "Robin,Stefan,Toby,Wesley,Andy,Boris,Caleb,Dylan,Emil,Frank,Greg,Howard"},
    {"adult", ANYONE,
     "Mum:s,Dad:h,Grandma:s,Grandpa:h,Aunt Maud:s,Uncle Jim:h,Mrs. Hill:s,Mr. Stone:h,"
     "Mrs. Winter:s,Mr. Fox:h,Aunt Pearl:s,Uncle Rob:h,Miss Reed:s,Mr. Baker:h,Miss Lane:s,"
     "Mr. Wood:h,Mrs. Berry:s,Mr. Brook:h,Aunt June:s,Uncle Ted:h"},
    {"role", NOBODY,
     "baker,farmer,gardener,teacher,doctor,sailor,fisherman,carpenter,tailor,painter,postman,"
     "librarian,nurse,shepherd,miller,blacksmith,clown,pilot,captain,cook,waiter,singer,dancer,"
     "potter,weaver,beekeeper,hunter,ranger,firefighter,policeman,juggler,magician,king,queen,"
     "prince,knight,wizard,pirate,explorer,inventor,merchant,watchmaker,shoemaker,butcher,grocer"},
    {"pet", IT,
     "rabbit,kitten,puppy,duckling,hedgehog,squirrel,mouse,sparrow,owl,turtle,frog,lamb,chick,"
     "hamster,robin,pigeon,goose,goat,piglet,foal,calf,mole,badger,beaver,otter,parrot,crow,"
     "swallow,snail,beetle,ladybird,butterfly,lizard,toad,donkey,pony,fawn,raccoon,hen,rooster,"
     "woodpecker,seagull,ferret,guinea pig,bat,newt"},
    {"beast", IT,
     "bear,wolf,lion,tiger,elephant,giraffe,monkey,kangaroo,camel,whale,dolphin,seal,penguin,"
     "crocodile,hippo,zebra,panda,moose,bison,leopard,gorilla,walrus,ostrich,dragon,unicorn,giant,"
     "troll,fairy,ghost,robot"},
    {"toy", IT,
     "ball,doll,kite,drum,puzzle,robot,top,teddy,yo-yo,marble,scooter,sledge,hoop,swing,puppet,"
     "rattle,truck,train,boat,plane,castle,rocket,whistle,balloon,bicycle,skateboard,tricycle,"
     "frisbee,racket,bat,wagon,windmill,dinosaur,globe,telescope,magnet,tambourine,cart,dice,"
     "spinner"},
    {"tool", IT,
     "hammer,shovel,rope,ladder,bucket,broom,rake,saw,needle,brush,lantern,torch,basket,kettle,"
     "spoon,umbrella,blanket,map,key,compass,net,hook,wheelbarrow,watering can,screwdriver,ruler,"
     "pencil,notebook,candle,mirror,bell,clock,pillow,bottle,jug,sieve,funnel,trowel,wrench,pump,"
     "spade,tray,bowl,chain,belt"},
    {"gem", IT,
     "coin,ring,pearl,shell,stone,feather,medal,crown,jewel,crystal,locket,button,bead,letter,"
     "book,photo,ticket,necklace,bracelet,brooch,statue,vase,fossil,acorn,chestnut,pine cone,"
     "horseshoe,arrow,badge,stamp,postcard,diary,treasure chest,music box,watch,goblet,mask,flute,"
     "harp,amulet"},
    {"wear", IT,
     "hat,scarf,coat,glove,sock,shoe,boot,jacket,cap,dress,shirt,sweater,mitten,ribbon,apron,cape,"
     "sandal,slipper,backpack,purse,vest,cloak,raincoat,helmet,bonnet,tie,skirt,handkerchief"},
    {"food", IT,
     "apple,pear,plum,peach,banana,orange,cookie,sandwich,pie,cake,bun,muffin,pancake,carrot,"
     "potato,sausage,omelette,waffle,biscuit,pretzel,melon,lemon,coconut,tart,doughnut,bagel,"
     "pudding,pizza,burger,corn cob,tomato,pineapple,mango,fig,pumpkin,cucumber,radish,turnip,"
     "dumpling,croissant"},
    {"stuff", NOBODY,
     "flour,sugar,butter,milk,honey,salt,pepper,cheese,rice,beans,onions,garlic,peas,cabbage,"
     "mushrooms,raisins,almonds,walnuts,cinnamon,vanilla,cream,oats,barley,noodles,spinach,parsley,"
     "berries,cherries,jam,chocolate"},
    {"plant", IT,
     "tulip,rose,sunflower,daisy,poppy,lavender bush,apple tree,oak,willow,bean plant,strawberry "
     "plant,lily,fern,cactus,pumpkin vine,cherry tree,violet,orchid,marigold,daffodil,maple,birch,"
     "ivy,thistle"},
    {"music", IT,
     "violin,piano,guitar,trumpet,recorder,accordion,banjo,cello,clarinet,harmonica,mandolin,"
     "ukulele,trombone,bugle,xylophone,organ"},
    {"craft", IT,
     "birdhouse,raft,fence,bench,bridge,tent,snowman,sandcastle,treehouse,mobile,collage,crib,"
     "shelf,stool,bookcase,doghouse,painting,poster,costume,quilt,wreath,mosaic,scarecrow,clay pot,"
     "paper boat,card,garland,paper crane,bow,birdbath"},
    {"relation", ANYONE, "friend,neighbour,cousin,classmate,sister:s,brother:h"},
};
const int lexicon_n_people = (int)(sizeof lexicon_people / sizeof *lexicon_people);
