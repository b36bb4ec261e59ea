#!/usr/bin/env bash
# Makes the synthetic callers of testdata/audio/callers: four voices of two engines, two recordings to enrol and two calls each.
# Needs espeak-ng, flite and sox (Debian packages of these names). The words of enrolment and call differ.
set -eu
out=$(cd "$(dirname "$0")/.." && pwd)/audio/callers
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

e1="Good morning, I am calling about my account. The last statement arrived on Tuesday and two of the payments look wrong to me. I would like someone to explain them before the end of the week, please."
e2="My garden is behind the house, next to the old railway line. In spring the apple trees are full of bees, and in the evening the whole street smells of bread from the bakery on the corner."
v1="Hello, it is me again. I ordered a new card nine days ago and nothing has come in the post yet. Could you check whether the address is still the right one, and send another if you have to? I will be travelling from Thursday, so it would help to have it before then."
v2="Thank you for waiting. The heating in the flat above us has failed, and water is coming through the ceiling of the kitchen. We have put buckets under it, but somebody should really come today, because the electric meter is in the same cupboard and nobody here dares to touch it."

say() { # engine voice text file
  case $1 in
    flite) flite -voice "$2" -t "$3" -o "$4" ;;
    espeak) espeak-ng -v "$2" -s 150 -w "$4" "$3" ;;
  esac
}

caller() { # name engine voice rate encoding
  local i=0 text
  for text in "$e1" "$e2" "$v1" "$v2"; do
    i=$((i + 1))
    local name; name=$([ $i -le 2 ] && echo "enrol_$i" || echo "call_$((i - 2))")
    say "$2" "$3" "$text" "$tmp/x.wav"
    # A quiet line: the same low noise floor under every voice, so that no caller is told by digital silence.
    sox -R "$tmp/x.wav" -r "$4" -c 1 -b 16 "$tmp/y.wav" gain -n -6
    sox -R -n -r "$4" -c 1 -b 16 "$tmp/n.wav" synth "$(soxi -D "$tmp/y.wav")" pinknoise gain -52
    sox -R -D -m -v 1 "$tmp/y.wav" -v 1 "$tmp/n.wav" $5 "$out/$1_$name.wav"
  done
}

caller alice flite slt 8000 "-e mu-law"
caller bob flite rms 16000 "-b 16"
caller carol espeak en-gb+f3 8000 "-e a-law"
caller dave flite awb 8000 "-e mu-law"
