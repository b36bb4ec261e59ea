#!/usr/bin/env python3
"""The C interface from Python, with nothing but ctypes.

    vouch_ctypes.py LIBVOUCH ENROL.wav CALL.wav

Enrols the voice of one recording, scores another against it in packets of 20 ms, and prints decision and score. Exits 0 for accepted, 10 for
rejected, 11 for too little speech, 3 for an error. WAV files of 16 bits, mono.
"""
import ctypes as c, sys, wave

OK, CLAIM_ENROLLED = 0, 4
CODES = {b"ACCEPT": 0, b"REJECT": 10}

class Vouch:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.vouch_strerror.restype = self.lib.vouch_decision_name.restype = c.c_char_p

    def __call__(self, name, *args, handle=None):
        result = getattr(self.lib, "vouch_" + name)(*args)
        if result != OK:
            text = c.create_string_buffer(300)
            if handle: self.lib.vouch_last_error(handle, text, c.c_size_t(300), None)
            raise RuntimeError(f"vouch_{name}: {(text.value or self.lib.vouch_strerror(result)).decode()}")

    def new(self, name, *args):
        handle = c.c_void_p()
        self(name + "_new", *args, c.byref(handle))
        return handle

def packets(path):
    with wave.open(path) as w:
        if w.getnchannels() != 1 or w.getsampwidth() != 2: raise RuntimeError(f"{path}: not mono with 16 bits")
        rate, size = w.getframerate(), w.getframerate() // 50
        while data := w.readframes(size): yield rate, data, c.c_size_t(len(data) // 2)

def main():
    if len(sys.argv) != 4: sys.exit(__doc__)
    vouch = Vouch(sys.argv[1])
    engine, enrolment, session = vouch.new("engine"), None, None
    for rate, data, n in packets(sys.argv[2]):
        if enrolment is None:
            enrolment = vouch.new("enrolment", engine, c.c_uint32(rate))
            vouch("enrolment_set_speech", enrolment, 30000, 5000, handle=enrolment)
        vouch("enrolment_push_s16", enrolment, data, n, handle=enrolment)
    vouch("enrolment_finish", enrolment, handle=enrolment)
    size = c.c_size_t()
    vouch("enrolment_voiceprint", enrolment, None, c.c_size_t(0), c.byref(size))
    voiceprint = c.create_string_buffer(size.value)
    vouch("enrolment_voiceprint", enrolment, voiceprint, size, None)

    for rate, data, n in packets(sys.argv[3]):
        if session is None:
            session = vouch.new("session", engine, c.c_uint32(rate))
            vouch("session_set_speaker", session, CLAIM_ENROLLED, voiceprint, size, handle=session)
        vouch("session_push_s16", session, data, n, handle=session)
    vouch("session_finish", session, handle=session)
    decision, score = c.c_int(), c.c_int32()
    vouch("session_decision", session, c.byref(decision), c.byref(score))
    name = vouch.lib.vouch_decision_name(decision)
    print(name.decode(), score.value)
    for kind, handle in (("session", session), ("enrolment", enrolment), ("engine", engine)): vouch(kind + "_free", handle)
    return CODES.get(name, 11)

if __name__ == "__main__":
    try: sys.exit(main())
    except (RuntimeError, OSError, wave.Error) as e: print(f"vouch_ctypes: {e}", file=sys.stderr); sys.exit(3)
