package dev.replicator.capture.postgres;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.SocketFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the reader waits for the master's messages. */
class ReplicationSessionIT {
    private static final String DATABASE = "postgres";
    /** Whether or not the test of TLS came first. */
    private static final String PLAIN = "sslmode=disable";

    private static final Duration LONG = Duration.ofMinutes(1);

    private static EmbeddedPostgres server;

    @BeforeAll
    static void start(@TempDir Path directory) throws Exception {
        server = EmbeddedPostgres.builder()
                .dataDirectory(directory.resolve("data"))
                .setting("wal_level", "logical")
                .start();
        server.execute(DATABASE, "CREATE TABLE t (id int)", "CREATE TABLE elsewhere (id int)");
        server.execute(DATABASE, "CREATE PUBLICATION p FOR TABLE t");
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    /** A factory of the user's choice, as for Unix sockets. */
    public static final class ForeignSockets extends SocketFactory {
        private static final AtomicInteger MADE = new AtomicInteger();

        @Override
        public Socket createSocket() {
            MADE.incrementAndGet();
            return new Socket();
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }
    }

    private static ReplicationSession open(String slot, String options) throws Exception {
        server.execute(DATABASE, "SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
        String url = server.jdbcUrl(DATABASE);
        SourceSessions sessions =
                new SourceSessions(url + (url.contains("?") ? "&" : "?") + options, EmbeddedPostgres.USER, "");
        ReplicationSession session = ReplicationSession.open(sessions, "test");
        session.start(slot, "p");
        return session;
    }

    private static void insert() {
        try {
            server.execute(DATABASE, "INSERT INTO t VALUES (1)");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertBegin(ByteBuffer message) {
        assertEquals('B', message.get(message.position()));
    }

    @Test
    void shouldWaitAsLongAsItIsToldAndNoLongerThanForAMessage() throws Exception {
        try (ReplicationSession session = open("waiting", PLAIN)) {
            long start = System.nanoTime();
            assertNull(session.poll(300));
            assertTrue(System.nanoTime() - start >= Duration.ofMillis(250).toNanos(), "it did not wait");
            CompletableFuture<Void> written = CompletableFuture.runAsync(ReplicationSessionIT::insert);
            start = System.nanoTime();
            assertBegin(session.poll((int) LONG.toMillis()));
            assertTrue(System.nanoTime() - start < LONG.toNanos() / 2, "the message did not end the wait");
            written.get();
        }
    }

    @Test
    void shouldReadThroughASocketOfTheUrlsChoice() throws Exception {
        try (ReplicationSession session = open("foreign", PLAIN + "&socketFactory=" + ForeignSockets.class.getName())) {
            assertEquals(1, ForeignSockets.MADE.get());
            insert();
            Await.until("the transaction", LONG, () -> {
                ByteBuffer message = session.poll(300);
                if (message != null) {
                    assertBegin(message);
                }
                return message != null;
            });
        }
    }

    @Test
    void shouldNotWaitLongerWhereMuchIsWrittenThatIsNotForUs() throws Exception {
        AtomicLong commits = new AtomicLong();
        AtomicBoolean enough = new AtomicBoolean();
        try (ReplicationSession session = open("others", PLAIN)) {
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> commitElsewhere(commits, enough));
            long longest = 0;
            try {
                while (commits.get() < 30_000 && !writing.isDone()) {
                    long before = commits.get();
                    assertNull(session.poll(20));
                    longest = Math.max(longest, commits.get() - before);
                }
            } finally {
                enough.set(true);
            }
            writing.get();
            assertTrue(longest < 10_000, "commits elsewhere during one look: " + longest);
        }
    }

    private static void commitElsewhere(AtomicLong commits, AtomicBoolean enough) {
        try (Connection connection = server.connect(DATABASE);
                PreparedStatement insert = connection.prepareStatement("INSERT INTO elsewhere VALUES (1)")) {
            // Each commit is in the log at once, and gives a keepalive.
            connection.createStatement().execute("SET synchronous_commit = on");
            while (!enough.get()) {
                insert.execute();
                commits.incrementAndGet();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void shouldReadThroughTls(@TempDir Path keys) throws Exception {
        Tls.enable(server, DATABASE, keys);
        // The server's main process takes its new settings in its own time; sessions begin with what it has.
        Await.until("the server takes TLS", LONG, () -> text("SHOW ssl").equals("on"));
        try (ReplicationSession session = open("tls", "sslmode=require")) {
            assertNull(session.poll(50));
            insert();
            assertBegin(session.poll((int) LONG.toMillis()));
            session.confirm(session.receivedLsn());
            assertEquals('R', next(session));
            assertEquals('I', next(session));
            assertEquals('C', next(session));
            assertEquals(
                    "t",
                    text("SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"
                            + " JOIN pg_replication_slots ON active_pid = pid WHERE slot_name = 'tls'"));
        }
    }

    private static char next(ReplicationSession session) throws SQLException {
        ByteBuffer message = session.poll((int) LONG.toMillis());
        return (char) message.get(message.position());
    }

    private static String text(String sql) throws SQLException {
        try (Connection connection = server.connect(DATABASE);
                ResultSet row = connection.createStatement().executeQuery(sql)) {
            assertTrue(row.next(), sql);
            return row.getString(1);
        }
    }
}
