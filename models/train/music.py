#!/usr/bin/env python3
"""Render random songs, for the speech detector to tell from speech: `music.py OUT [COUNT]`.

Chords, melody (choirs, winds and strings among the instruments), bass and drums are drawn at random and written as MIDI; fluidsynth plays them (Debian: fluidsynth, fluid-soundfont-gm).
"""
import argparse, os, random, struct, subprocess, tempfile

def vlq(n):
    b=[n&0x7f]; n>>=7
    while n: b.insert(0,(n&0x7f)|0x80); n>>=7
    return bytes(b)
def song(seed,path):
    r=random.Random(seed); ev=[]  # (tick, bytes)
    tempo=r.randint(60,150); tpq=480
    key=r.randint(48,60); scale=r.choice([[0,2,4,5,7,9,11],[0,2,3,5,7,8,10]])
    progs=[r.choice(list(range(0,8))+list(range(16,32))+list(range(46,48))), r.choice(list(range(40,55))+list(range(88,96))), r.choice(list(range(52,80))+list(range(0,16))+list(range(24,28))+list(range(40,43))+list(range(104,112))), r.choice(range(32,40))]
    for ch,p in enumerate(progs): ev.append((0,bytes([0xC0|ch,p])))
    prog=[r.choice([0,3,4,5,1]) for _ in range(4)]
    beats=int(40*tempo/60)
    def note(t,ch,n,d,v): ev.append((t,bytes([0x90|ch,n,v]))); ev.append((t+d,bytes([0x80|ch,n,0])))
    drums=r.random()<.6; mel=r.random()<.8; pad=r.random()<.6; arp=r.random()<.5
    deg=r.randint(0,6)
    for b in range(beats):
        c=prog[(b//4)%4]; t=b*tpq
        ch=[key+scale[(c+k)%7]+12*((c+k)//7) for k in (0,2,4)]
        if b%4==0:
            if pad: [note(t,1,n,tpq*4-10,r.randint(40,80)) for n in ch]
            note(t,3,ch[0]-12,tpq*2,80)
        if arp:
            for k in range(2): note(t+k*tpq//2,0,ch[(b*2+k)%3]+12,tpq//2,r.randint(50,90))
        elif b%2==0: [note(t,0,n,tpq*2-10,r.randint(50,90)) for n in ch]
        if mel and r.random()<.8:
            k=0
            while k<4:
                d=r.choice([1,2,2,4]); deg=max(-3,min(10,deg+r.randint(-2,2)))
                note(t+k*tpq//4,2,key+12+scale[deg%7]+12*(deg//7),max(60,d*tpq//4-20),r.randint(60,110)); k+=d
        if drums:
            note(t,9,36 if b%2==0 else 38,60,100)
            for k in range(2): note(t+k*tpq//2,9,42,60,r.randint(50,90))
    ev.sort(key=lambda e:e[0]); tr=b'\x00\xff\x51\x03'+struct.pack('>I',60000000//tempo)[1:]; last=0
    for t,d in ev: tr+=vlq(t-last)+d; last=t
    tr+=b'\x00\xff\x2f\x00'
    open(path,'wb').write(b'MThd'+struct.pack('>IHHH',6,0,1,tpq)+b'MTrk'+struct.pack('>I',len(tr))+tr)
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('out'); a.add_argument('count', type=int, nargs='?', default=120)
    a.add_argument('--soundfont', action='append', help='may be given several times: songs take turns')
    a = a.parse_args(); os.makedirs(a.out, exist_ok=True)
    fonts = a.soundfont or ['/usr/share/sounds/sf2/FluidR3_GM.sf2']
    with tempfile.TemporaryDirectory() as folder:
        midi = os.path.join(folder, 'song.mid')
        for i in range(a.count):
            song(i, midi)
            subprocess.run(['fluidsynth', '-ni', '-q', '-g', '0.6', '-r', '16000', '-F', os.path.join(a.out, f'm{i:03d}.wav'), fonts[i % len(fonts)], midi], check=True, capture_output=True)

if __name__ == '__main__':
    main()
