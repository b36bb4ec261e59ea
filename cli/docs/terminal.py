#!/usr/bin/env python3
"""Take a picture of a command in a terminal, as SVG: terminal.py OUT.svg SECONDS COMMAND...   (pip install pyte)

Runs the command in a terminal of 92 columns and draws what the screen shows after SECONDS of it, or at its end.
"""
import html, os, pty, select, struct, sys, time, fcntl, termios
import pyte

COLUMNS, ROWS, W, H, PAD = 92, 30, 8.4, 18, 14
COLOURS = dict(default='#d8dee9', black='#4c566a', red='#bf616a', green='#a3be8c', brown='#ebcb8b', yellow='#ebcb8b', blue='#81a1c1', magenta='#b48ead', cyan='#88c0d0', white='#eceff4')

def watch(seconds, command):
    screen = pyte.Screen(COLUMNS, ROWS); stream = pyte.ByteStream(screen)
    pid, fd = pty.fork()
    if pid == 0: os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
    end = time.time() + seconds
    while time.time() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try: data = os.read(fd, 65536)
            except OSError: break
            if not data: break
            stream.feed(data)
    os.kill(pid, 2)
    return screen

def svg(screen, title):
    rows = [r for r in range(ROWS) if screen.display[r].strip()]
    last = max(rows, default=0) + 1
    width, height = COLUMNS * W + 2 * PAD, (last + 2) * H + 2 * PAD
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="ui-monospace,Menlo,Consolas,monospace" font-size="14">',
           f'<rect width="100%" height="100%" rx="8" fill="#2e3440"/>',
           f'<text x="{PAD}" y="{PAD + H}" fill="#a3be8c">$ <tspan fill="#eceff4">{html.escape(title)}</tspan></text>']
    for r in range(last):
        line, c = screen.buffer[r], 0
        while c < COLUMNS:
            fg, s = line[c].fg, ''
            start = c
            while c < COLUMNS and line[c].fg == fg: s += line[c].data; c += 1
            if s.strip():
                lead = len(s) - len(s.lstrip()); s = s.strip()
                out.append(f'<text x="{PAD + (start + lead) * W:.1f}" y="{PAD + (r + 2.4) * H:.1f}" textLength="{len(s) * W:.1f}" fill="{COLOURS.get(fg, COLOURS["default"])}">{html.escape(s)}</text>')
    return '\n'.join(out + ['</svg>', ''])

def main():
    path, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    title = ' '.join([os.path.basename(command[0])] + command[1:])
    picture = svg(watch(seconds, command), title)
    with open(path, 'w') as f: f.write(picture)

if __name__ == '__main__':
    main()
