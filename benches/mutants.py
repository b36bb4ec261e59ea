#!/usr/bin/env python3
"""Takes away each check of the redaction in turn, and sees that a test fails: `python3 benches/mutants.py COPY`.

COPY is a copy of the repository, which is changed and put back. Prints the checks that no test would miss.
"""
import os, re, subprocess, sys

CLI = [('cargo', 'test', '-q', '-p', 'cli', '--test', 'redact', '--test', 'redact_outputs')]
AUDIO = [('cargo', 'test', '-q', '-p', 'cli-audio', '--lib', 'strict')]
WORDS = [('cargo', 'test', '-q', '-p', 'engine-words', '--lib', '--', 'mute', 'transcript', 'stream::tests::what')]
FILES = {
    'cli/audio/src/strict.rs': AUDIO + CLI, 'cli/app/src/redact/job.rs': CLI, 'cli/app/src/redact/transcript.rs': CLI,
    'engine/words/src/transcript/recognisers.rs': WORDS + CLI, 'engine/words/src/transcript/subtitles.rs': WORDS + CLI,
    'engine/words/src/transcript/words.rs': WORDS, 'engine/words/src/mute.rs': WORDS, 'engine/words/src/stream.rs': WORDS,
}


def mutants(text):
    """Each check of a file as its place, and the text without it. Tests are left alone."""
    code = text.split('#[cfg(test)]\nmod tests')[0]
    for m in re.finditer(r'ensure!\(', code): yield m.start(), text[:m.end()] + 'true || ' + text[m.end():]
    # `if ... { return Err(` and `if ... { bail!(`, whose condition never holds then.
    for m in re.finditer(r'\bif (?!let)([^{}]*?) \{\s*(?:return Err|bail!)', code):
        yield m.start(), text[:m.start(1)] + 'false && (' + m.group(1) + ')' + text[m.end(1):]


def caught(commands):
    return any(subprocess.run(c, capture_output=True, timeout=900).returncode for c in commands)


os.chdir(sys.argv[1])
total = left = 0
for path, commands in FILES.items():
    text = open(path).read()
    if caught(commands): sys.exit(f'{path}: its tests fail before anything is changed')
    for at, mutant in mutants(text):
        open(path, 'w').write(mutant)
        try: found = caught(commands)
        finally: open(path, 'w').write(text)
        total += 1
        if not found:
            left += 1
            print(f'{path}:{text.count(chr(10), 0, at) + 1}: {text[at:at + 90].splitlines()[0]}', flush=True)
print(f'{total - left} of {total} checks are held by a test')
