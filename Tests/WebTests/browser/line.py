"""The wire between a browser and an edge: it can be cut, and it can stand still."""

import socket
import threading

PIECE = 65_536


class Line:
    """A port of its own that leads to a relay's; nothing that passes is changed."""

    def __init__(self, relay):
        self._target = relay.port
        self._ends = []
        self._lock = threading.Lock()
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self):
        """All connections break, and new ones fail."""
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        for end in ends:
            shut(end)

    def mend(self):
        with self._lock:
            self._is_cut = False

    def hold(self):
        """Nothing comes from the relay any more, and nobody is told."""
        self._flows.clear()

    def release(self):
        self._flows.set()

    def close(self):
        self.cut()
        self.release()
        shut(self._listener)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        far = socket.socket()
        # Small, so that who does not read is felt at the other end soon.
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        with self._lock:
            self._ends += [near, far]
            is_cut = self._is_cut
        try:
            if is_cut:
                raise ConnectionRefusedError
            far.connect(("127.0.0.1", self._target))
        except OSError:
            shut(near)
            shut(far)
            return
        threading.Thread(target=self._carry, args=(near, far, None), daemon=True).start()
        self._carry(far, near, self._flows)

    @staticmethod
    def _carry(source, sink, gate):
        try:
            while True:
                if gate:
                    gate.wait()
                piece = source.recv(PIECE)
                if not piece:
                    break
                sink.sendall(piece)
        except OSError:
            pass
        shut(source)
        shut(sink)


def shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
