#!/usr/bin/env bash
# Makes the clips of the captcha's sound: for each language one file a character
# of the captcha's alphabet, and intro.au. They are committed; nobody needs this
# to build resetbot. Whoever changes a word runs it again, from any folder.
#
#   apt-get install espeak-ng sox
#
# Made with espeak-ng 1.51 and SoX 14.4.2 of Debian 12; the same versions give
# the same bytes. The flags:
#
#   espeak-ng -v  the voice: nl, en-gb (formant voices of espeak-ng itself; no
#                 MBROLA voice, whose licences allow no commercial use)
#             -s  words a minute, slower than the standard 175
#             -g  extra silence between words, in units of 10 ms
#   sox       -D  no dither: the same bytes each time
#             -R  no random numbers that differ from run to run
#             rate, lowpass, highpass: 8 kHz, and nothing that it cannot hold
#             silence … reverse: no silence at either end; fade: no click there
#             norm: peaks at -3 dB
#             au, mu-law: G.711, 8 bits a sample
#
# A letter is said with a word of the language's telephone alphabet, so that C,
# D, E, G, P and T are told apart: Dutch NTA (PTT), English ICAO. The Dutch
# seven is said as on the telephone, "zeuven", which nobody takes for "negen".
# What stands in [[ ]] are phonemes: espeak-ng takes an English A for the article.
set -euo pipefail
cd "$(dirname "$0")"

clip() { # language, voice, name, text
	local raw
	raw=$(mktemp --suffix=.wav)
	espeak-ng -v "$2" -s 140 -g 3 -w "$raw" "$4"
	mkdir -p "$1"
	sox -D -R "$raw" -r 8000 -c 1 -e mu-law -t au "$1/$3.au" \
		highpass 120 lowpass 3800 rate -h 8000 \
		silence 1 0.01 0.4% fade t 0.01 reverse silence 1 0.01 0.4% fade t 0.02 reverse \
		norm -3
	rm "$raw"
}

nl() { clip nl nl "$1" "$2"; }
en() { clip en en-gb "$1" "$2"; }

nl intro 'De tekens zijn:'
nl A 'A van Anna'
nl C 'C van Cornelis'
nl D 'D van Dirk'
nl E 'E van Eduard'
nl F 'F van Ferdinand'
nl G 'G van Gerard'
nl H 'H van Hendrik'
nl J 'J van Johan'
nl K 'K van Karel'
nl N 'N van Nico'
nl P 'P van Pieter'
nl Q 'Q van Quotiënt'
nl R 'R van Rudolf'
nl T 'T van Theodoor'
nl X 'X van Xantippe'
nl Y 'Y van Ypsilon'
nl 3 'het cijfer drie'
nl 6 'het cijfer zes'
nl 7 'het cijfer zeuven'
nl 9 'het cijfer negen'

en intro 'The characters are:'
en A "[['eI]] as in Alfa"
en C 'C as in Charlie'
en D 'D as in Delta'
en E 'E as in Echo'
en F 'F as in Foxtrot'
en G 'G as in Golf'
en H 'H as in Hotel'
en J 'J as in Juliett'
en K 'K as in Kilo'
en N 'N as in November'
en P 'P as in Papa'
en Q 'Q as in Quebec'
en R 'R as in Romeo'
en T 'T as in Tango'
en X 'X as in X-ray'
en Y 'Y as in Yankee'
en 3 'the number three'
en 6 'the number six'
en 7 'the number seven'
en 9 'the number nine'
