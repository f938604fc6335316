"""A mail server of the tests that does what a script says.

    with Sink() as s: ... s.port ... s.mails
    Sink(reply={"RCPT": "451 4.2.1 later"})          this reply at that step
    Sink(reply={"RCPT": lambda line: ...})           or what it gives for the line; None: the usual
    Sink(die="DATA")                                 hangs up there, before a reply
    Sink(path="/some/socket", lmtp=True)             on a Unix socket
    Sink(tls="good" | "bad")                         STARTTLS with a certificate, or one that breaks off

Steps: connect, EHLO, STARTTLS, MAIL, RCPT, DATA, text (in the middle of it), dot, RSET, QUIT.
"""
import os
import socket
import ssl
import threading
import time

USUAL = {"connect": "220 sink.test ESMTP", "STARTTLS": "220 2.0.0 go", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok",
         "DATA": "354 go on", "dot": "250 2.0.0 taken", "RSET": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye", "NOOP": "250 ok"}


class Mail:
    def __init__(self, sender):
        self.sender, self.rcpts, self.text, self.tls = sender, [], "", False


class HungUp(Exception):
    pass


class Sink:
    def __init__(self, host="127.0.0.1", port=0, path=None, reply=None, die=None, tls=None, slow=0, lmtp=False,
                 extensions=("PIPELINING", "8BITMIME", "SIZE 10000000", "DSN", "SMTPUTF8"), certificate=None):
        self.reply, self.die, self.tls, self.slow, self.lmtp = dict(reply or {}), die, tls, slow, lmtp
        self.extensions, self.certificate = list(extensions), certificate
        self.mails, self.lines, self.connections, self.stopped = [], [], 0, False
        self.open = set()
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(path or (host, port))
        self.socket.listen(50)
        if path:
            os.chmod(path, 0o777)  # whoever the client is
            self.via = path
        else:
            self.host, self.port = self.socket.getsockname()
            self.via = "[%s]:%d" % (self.host, self.port)
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.stopped = True
        for s in [self.socket] + list(self.open):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def again(self, **how):
        """Another script from now on; what was seen is forgotten."""
        self.reply, self.die, self.slow = dict(how.get("reply") or {}), how.get("die"), how.get("slow", 0)
        self.tls = how.get("tls")
        self.mails, self.lines, self.connections = [], [], 0

    def accept(self):
        while not self.stopped:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            if c.family != socket.AF_UNIX:
                c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self.open.add(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            Session(self, c).run()
        except (OSError, HungUp, ssl.SSLError):
            pass
        finally:
            self.open.discard(c)
            c.close()


class Session:
    def __init__(self, sink, sock):
        self.sink, self.sock, self.file = sink, sock, sock.makefile("rb")
        self.mail, self.encrypted = None, False

    def say(self, text):
        if text:
            self.sock.sendall((text + "\r\n").encode("utf-8", "surrogateescape"))

    def step(self, name, line=""):
        """The reply at this step; does what the script says."""
        time.sleep(self.sink.slow)
        if self.sink.die == name:
            self.hang_up()
        how = self.sink.reply.get(name)
        if callable(how):
            how = how(line)
        return USUAL.get(name, "250 ok") if how is None else how

    def hang_up(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        raise HungUp

    def run(self):
        self.say(self.step("connect"))
        while True:
            octets = self.file.readline()
            if not octets:
                return
            line = octets.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.sink.lines.append(line)
            verb = line.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                self.ehlo()
            elif verb == "STARTTLS":
                self.starttls()
            elif verb == "DATA":
                self.data()
            else:
                reply = self.step(verb, line)
                self.note(verb, line, reply)
                self.say(reply)
                if verb == "QUIT":
                    return

    def note(self, verb, line, reply):
        if verb == "MAIL" and reply[:1] == "2":
            self.mail = Mail(line.split("<")[1].split(">")[0])
            self.mail.tls = self.encrypted
        elif verb == "RCPT" and reply[:1] == "2":
            self.mail.rcpts.append(line.split("<")[1].split(">")[0])

    def ehlo(self):
        reply = self.step("EHLO", "")
        if reply[:3] != "250":
            self.say(reply)
            return
        words = ["sink.test"] + self.sink.extensions
        if self.sink.tls and not self.encrypted:
            words.append("STARTTLS")
        for word in words[:-1]:
            self.say("250-" + word)
        self.say("250 " + words[-1])

    def starttls(self):
        self.say(self.step("STARTTLS"))
        if self.sink.tls == "bad":
            self.sock.recv(1)  # the client has begun
            self.sock.sendall(b"this is no TLS\r\n")
            self.hang_up()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sink.certificate)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.encrypted, self.mail = True, None

    def data(self):
        reply = self.step("DATA")
        self.say(reply)
        if reply[:3] != "354":
            return
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
            if self.sink.die == "text":
                self.hang_up()
        mail = self.mail
        mail.text = b"".join(lines).decode("utf-8", "surrogateescape")
        for rcpt in (mail.rcpts if self.sink.lmtp else [None]):
            reply = self.step("dot", rcpt)
            if reply[:1] == "2":
                if mail not in self.sink.mails:
                    self.sink.mails.append(mail)
            self.say(reply)
        self.mail = None
