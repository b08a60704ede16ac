// Package speech says aloud what the screen shows, in its language, by running a
// program that speaks.
//
// What is said is made of the same phrases as what is shown, so a person who
// sees nothing can follow a visit: the large sentence and what to do next; then,
// of several items, how many they are and those that ask for something. On "say
// it again", and once when nothing has happened for a while, also every item's
// state and the buttons.
//
// # The program
//
// It is started anew for each screen, reads text from its standard input to the
// end, one sentence a line in UTF-8, and exits when the last sound has been heard.
// Its arguments say how: {language} a BCP 47 tag, {voice} the name of the voice in
// espeak-ng, {speed} in words a minute, {volume} 0 to 200 with 100 for normal. No
// shell takes part, and no word of what is said stands among the arguments, which
// every process may read.
//
// It runs in a process group of its own. The next screen, or silence, kills the
// group: a sound device closed so drops what it has not played yet.
//
// # What others may hear
//
// Names and titles are said only as [Names] allows; otherwise the phrases have
// forms without. What a person types is in no phrase and is never said.
package speech
