// Package phrase turns the keys of package flow into words: shown and spoken,
// in the language of the person at the station.
//
// # A words file
//
// A language is one text file and nothing else, named by its BCP 47 tag:
// fi.txt, fi-simple.txt. Lines that begin with # are remarks. Every other line
// is one phrase:
//
//	key = what is shown
//	key > what is said; without this line, what is shown
//	key[form] = the same for a form
//
//	{name}   a first name; form nameless when there is none
//	{title}  a title in the language's quotation marks; form untitled when there is none
//	{n}      a number; the forms are the plural categories of CLDR:
//	         zero one two few many other
//	{of}     the number that {n} is of
//	{day}    a date in words
//
// The keys that begin with "language." describe the language itself:
//
//	language.name      as its speakers write it
//	language.voice     the name of its voice in espeak-ng
//	language.days      seven names of weekdays, from Sunday, as a date has them
//	language.months    twelve names of months, from January, as a date has them
//	language.ordinals  thirty-one days of a month, as a date that is said has them
//	language.date      of {weekday}, {day} and {month}; {day} is a number where it
//	                   is shown and an ordinal where it is said
//	language.title     {title} in quotation marks
package phrase
