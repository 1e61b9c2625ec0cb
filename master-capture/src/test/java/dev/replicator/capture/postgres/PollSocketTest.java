package dev.replicator.capture.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.EOFException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How long a look for a message takes. */
class PollSocketTest {
    /** What pgjdbc sets before it looks. */
    private static final int LOOK = 1;

    private ServerSocket listener;
    private PollSocket socket;
    private Socket server;
    private InputStream in;

    @BeforeEach
    void connect() throws Exception {
        listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        socket = new PollSocket();
        socket.connect(listener.getLocalSocketAddress());
        server = listener.accept();
        in = socket.getInputStream();
    }

    @AfterEach
    void close() throws Exception {
        server.close();
        socket.close();
        listener.close();
    }

    private void send(int bytes) throws Exception {
        OutputStream out = server.getOutputStream();
        out.write(new byte[bytes]);
        out.flush();
    }

    @Test
    void shouldBeAnOrdinarySocketUntilMessagesAreLookedFor() throws Exception {
        send(2);
        socket.setSoTimeout(LOOK);
        assertEquals(LOOK, socket.getSoTimeout());
        socket.setSoTimeout(60_000);
        assertEquals(0, in.read());
        assertEquals(1, in.available());
    }

    @Test
    void shouldEndALookWhenItsTimeIsOverAlthoughBytesCome() throws Exception {
        send(1 << 16);
        socket.lookFor(50);
        socket.setSoTimeout(LOOK);
        assertEquals(50, socket.getSoTimeout());
        assertEquals(0, in.read());
        assertThrows(SocketTimeoutException.class, () -> {
            for (int more = 0; more < 1_000_000; more++) {
                send(1);
                in.read();
            }
        });
        assertEquals(0, in.available());
        socket.lookFor(60_000);
        socket.setSoTimeout(LOOK);
        assertEquals(0, in.read());
    }

    @Test
    void shouldNotLookBetweenTwoLooksButReadAMessageToItsEnd() throws Exception {
        send(8);
        socket.lookFor(60_000);
        socket.stopLooking();
        socket.setSoTimeout(LOOK);
        assertThrows(SocketTimeoutException.class, in::read);
        socket.setSoTimeout(60_000);
        assertEquals(8, in.read(new byte[8]));
    }

    @Test
    void shouldTellTheEndOfTheStreamFromNothingToRead() throws Exception {
        server.close();
        socket.lookFor(60_000);
        socket.setSoTimeout(LOOK);
        assertThrows(EOFException.class, in::read);
    }
}
