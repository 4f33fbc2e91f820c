"""Pictures of what is shown, small enough to live beside the sources."""

import struct
import sys
import zlib

from world import ROOT

FOLDER = ROOT / "Sources" / "RelayWeb" / "Screenshots"
BYTES_MAX = 150_000


def take(page, name, **options):
    """A picture of a page, under a name."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=str(path), **options)
    optimise(path)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}  {size} bytes", flush=True)
    if size > BYTES_MAX:
        sys.exit(f"{path.name} has more than {BYTES_MAX} bytes")


def optimise(path):
    """Writes a PNG anew with a palette of its own colours where these are few, and packs it as tightly as it goes."""
    data = path.read_bytes()
    width, height, kind = struct.unpack(">IIxB", data[16:26])
    channels = {2: 3, 6: 4}[kind]
    packed, place = b"", 8
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    raw, stride = bytearray(zlib.decompress(packed)), width * channels
    rows, before = [], bytearray(stride)
    for number in range(height):
        begin = number * (stride + 1)
        line = unfiltered(raw[begin], raw[begin + 1 : begin + 1 + stride], before, channels)
        rows.append(line)
        before = line
    colours = {}
    lines = []
    for line in rows:
        # Three bits a channel less cannot be seen, and bring most pictures down to few colours.
        points = [bytes(line[at : at + 3]) for at in range(0, stride, channels)]
        lines.append(points)
        for point in points:
            colours[point] = colours.get(point, 0) + 1
    palette = chosen(colours)
    index = {point: number for number, point in enumerate(palette)}
    for point in colours:
        if point not in index:
            index[point] = min(range(len(palette)), key=lambda n: sum((a - b) ** 2 for a, b in zip(point, palette[n])))
    body = b"".join(b"\0" + bytes(index[point] for point in points) for points in lines)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"".join(palette))
        + chunk(b"IDAT", zlib.compress(body, 9))
        + chunk(b"IEND", b"")
    )


def chosen(colours):
    """256 colours that stand for all: the most frequent as they are, and of the rest the middle of those alike."""
    ranked = sorted(colours, key=lambda point: -colours[point])
    alike = {}
    for point in ranked[160:]:
        alike.setdefault(tuple(part >> 5 for part in point), []).append(point)
    groups = sorted(alike.values(), key=lambda points: -sum(colours[point] for point in points))
    middles = {bytes(middle(points, part, colours) for part in range(3)) for points in groups[:96]}
    return ranked[:160] + sorted(middles - set(ranked[:160]))


def middle(points, part, colours):
    """The mean of one channel, each point as often as it stands in the picture."""
    return sum(point[part] * colours[point] for point in points) // sum(colours[point] for point in points)


def unfiltered(kind, line, above, channels):
    """A line of a PNG as it was before it was filtered."""
    line = bytearray(line)
    for at in range(len(line)):
        left = line[at - channels] if at >= channels else 0
        up = above[at]
        if kind == 1:
            line[at] = (line[at] + left) & 255
        elif kind == 2:
            line[at] = (line[at] + up) & 255
        elif kind == 3:
            line[at] = (line[at] + (left + up) // 2) & 255
        elif kind == 4:
            corner = above[at - channels] if at >= channels else 0
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            line[at] = (line[at] + near[2]) & 255
    return line


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
