"""Field blocks that do not decompress. RFC 7541, RFC 9113 4.3"""
from rowkit import *
from frames import *

T = Table("hpack")
row = T.row
B = block(request())

for why, section, raw in (
        ("index 0", "7541 6.1", b"\x80"),
        ("an index beyond the tables", "7541 2.3.3", b"\xff\x80\x01"),
        ("a name's index beyond the tables", "7541 2.3.3", B + b"\x7f\x80\x01\x01a"),
        ("a string longer than the block", "7541 5.2", B + b"\x00\x7f\x10abc"),
        ("Huffman padding of zeroes", "7541 5.2", B + b"\x00\x01x\x81\x00"),
        ("Huffman padding longer than 7 bits", "7541 5.2", B + b"\x00\x01x\x82\x1f\xff"),
        ("Huffman with EOS in it", "7541 5.2", B + b"\x00\x01x\x84\xff\xff\xff\xff"),
        ("an endless number", "7541 5.1", b"\xff" + b"\xff" * 12),
        ("a table larger than was agreed upon", "7541 6.3", b"\x3f\xe2\x1f" + B),
        ("a change of the table's size behind a field", "7541 4.2", B + b"\x20"),
        ("a block that ends inside a field", "9113 4.3", B + b"\x00\x05abc")):
    row(why, section, headers(1, raw=raw), ends(COMPRESSION_ERROR))
row("a smaller table", "7541 6.3", headers(1, raw=b"\x20" + B), answers(1))
row("it is one for all streams", "7541 2.3.2",
    headers(1, raw=B + b"\x40\x01x\x01y") + headers(3, raw=B + b"\xbe"), answers(3))
row("and kept for refused requests", "9113 4.3",
    headers(1, raw=block(request()[1:]) + b"\x40\x01x\x01y") + headers(3, raw=B + b"\xbe"), answers(3))
row("a block in ignored trailers changes it, too", "9113 4.3",
    [headers(1), 0.1, headers(3, raw=B)], answers(3))
