"""An authoritative name server of the tests, on UDP and TCP.

    zone = {"d.test": {"MX": [(10, "mx1.d.test")]}, "mx1.d.test": {"A": ["127.0.0.1"]},
            "broken.test": "SERVFAIL", "slow.test": {"A": ["127.0.0.1"], "delay": 2}}
    with DnsServer(zone) as dns: ... dns.address ... dns.asked

Names that are not in the zone do not exist, unless something below them is. TLSA values are octets.
"""
import ipaddress
import socket
import struct
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "DNSKEY": 48, "TLSA": 52}
NAMES = {number: name for name, number in TYPES.items()}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def wire_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def rdata(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        return struct.pack("!H", value[0]) + wire_name(value[1])
    if kind in ("CNAME", "PTR", "NS"):
        return wire_name(value)
    if kind == "TXT":
        octets = value.encode()
        return b"".join(bytes([len(octets[i:i + 255])]) + octets[i:i + 255] for i in range(0, len(octets), 255))
    return value


def soa():
    return wire_name("ns.test") + wire_name("hostmaster.test") + struct.pack("!5I", 1, 60, 60, 60, 1)


def port_of_both():
    """A UDP and a listening TCP socket with one port.  One that is free for the one may be taken for the other."""
    for attempt in range(100):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(("127.0.0.1", 0))
            tcp.listen(20)
            udp.bind(tcp.getsockname())
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()
    raise OSError("no port that is free for both UDP and TCP")


class DnsServer:
    def __init__(self, zone):
        self.zone, self.asked, self.stopped = zone, [], False
        self.udp, self.tcp = port_of_both()
        self.port = self.udp.getsockname()[1]
        self.address = "127.0.0.1:%d" % self.port
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.stopped = True
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def serve_udp(self):
        while not self.stopped:
            try:
                question, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self.answer_udp, args=(question, peer), daemon=True).start()

    def answer_udp(self, question, peer):
        reply = self.answer(question)
        if reply:
            if len(reply) > 1232:
                reply = reply[:2] + bytes([reply[2] | 2]) + reply[3:12]
                reply = reply[:6] + b"\0\0\0\0\0\0" + self.question_of(question)
            try:
                self.udp.sendto(reply, peer)
            except OSError:
                pass

    def serve_tcp(self):
        while not self.stopped:
            try:
                c, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.answer_tcp, args=(c,), daemon=True).start()

    def answer_tcp(self, c):
        with c, c.makefile("rb") as f:
            while True:
                head = f.read(2)
                if len(head) < 2:
                    return
                reply = self.answer(f.read(struct.unpack("!H", head)[0]))
                if reply:
                    c.sendall(struct.pack("!H", len(reply)) + reply)

    @staticmethod
    def question_of(octets):
        at = 12
        while octets[at]:
            at += 1 + octets[at]
        return octets[12:at + 5]

    def answer(self, octets):
        """The reply to one question, or None for what is none."""
        if len(octets) < 17 or octets[2] & 0x80:
            return None
        question = self.question_of(octets)
        labels, at = [], 0
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1").lower())
            at += 1 + question[at]
        name, kind = ".".join(labels), NAMES.get(struct.unpack("!H", question[at + 1:at + 3])[0])
        self.asked.append((name, kind))
        code, records = self.look_up(name, kind)
        body, authority = b"", b""
        for owner, rtype, value in records:
            data = rdata(rtype, value)
            body += wire_name(owner) + struct.pack("!HHIH", TYPES[rtype], 1, 1, len(data)) + data
        if not records:
            data = soa()
            authority = wire_name("test") + struct.pack("!HHIH", TYPES["SOA"], 1, 1, len(data)) + data
        head = octets[:2] + bytes([0x84 | (octets[2] & 1), 0x80 | code])
        return head + struct.pack("!4H", 1, len(records), 1 if authority else 0, 0) + question + body + authority

    def look_up(self, name, kind):
        entry = self.zone.get(name)
        if entry == "SERVFAIL":
            return SERVFAIL, []
        if entry is None:
            below = any(n == name or n.endswith("." + name) for n in self.zone) or name in ("", "test")
            return (NOERROR if below else NXDOMAIN), []
        time.sleep(entry.get("delay", 0))
        if "CNAME" in entry and kind != "CNAME":
            target = entry["CNAME"][0]
            code, more = self.look_up(target, kind)
            return code, [(name, "CNAME", target)] + more
        return NOERROR, [(name, kind, value) for value in entry.get(kind, [])]
