#!/usr/bin/env bash
# Makes the small recordings of testdata/audio/formats, one for each way that a file can be laid out: half-amplitude sine
# tones, 440 Hz on the left or only channel and 1000 Hz on the right. Needs ffmpeg with libvorbis and libmp3lame.
set -eu
out=$(cd "$(dirname "$0")/.." && pwd)/audio/formats
mkdir -p "$out"
exact=(-fflags +bitexact -flags:a +bitexact -metadata_header_padding 64)

make() { # rate channels seconds file options...
  local rate=$1 channels=$2 seconds=$3 file=$4; shift 4
  local tone="0.5*sin(2*PI*440*t)"
  if [ "$channels" = 2 ]; then tone="$tone|0.5*sin(2*PI*1000*t)"; fi
  ffmpeg -v error -y -f lavfi -i "aevalsrc=$tone:s=$rate:d=$seconds" "${exact[@]}" "$@" "$out/$file"
}

make 8000 1 0.2 pcm16.wav -c:a pcm_s16le
make 8000 2 0.1 pcm24_extensible.wav -c:a pcm_s24le
make 8000 1 0.1 alaw.wav -c:a pcm_alaw
make 8000 2 0.1 mulaw_stereo.wav -c:a pcm_mulaw
make 8000 1 0.1 float64.wav -c:a pcm_f64le
make 8000 1 0.1 rf64.wav -c:a pcm_s16le -rf64 always
make 8000 1 0.5 mono.flac -sample_fmt s16
make 16000 2 0.2 stereo24.flac -sample_fmt s32
make 8000 1 0.8 mono.ogg -c:a libvorbis -q:a 3
make 16000 2 0.6 stereo.ogg -c:a libvorbis -q:a 3
make 16000 1 0.03 one_page.ogg -c:a libvorbis -q:a 3
make 8000 1 0.8 mono8.mp3 -c:a libmp3lame -b:a 16k
make 44100 2 0.4 stereo44.mp3 -c:a libmp3lame -b:a 96k
make 16000 1 0.6 no_xing.mp3 -c:a libmp3lame -b:a 24k -write_xing 0 -id3v2_version 0
make 16000 1 0.3 opus.ogg -c:a libopus -b:a 12k
make 8000 1 0.2 aac.m4a -c:a aac -b:a 16k

# Written to a pipe: sizes and counts stay unset.
pipe() { # rate seconds file options...
  local rate=$1 seconds=$2 file=$3; shift 3
  ffmpeg -v error -f lavfi -i "aevalsrc=0.5*sin(2*PI*440*t):s=$rate:d=$seconds" "${exact[@]}" \
    "$@" - | cat > "$out/$file"
}
pipe 8000 0.1 piped.wav -c:a pcm_s16le -f wav
pipe 8000 0.3 piped.flac -sample_fmt s16 -f flac
ls -l "$out"; du -bc "$out"/* | tail -1
