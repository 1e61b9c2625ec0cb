package dev.replicator.slave.lane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.embedded.Await;
import dev.replicator.embedded.EmbeddedPostgres;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.Position;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** R15 on a real server: the flushed position of an idle server never reaches the insert position behind a page header. */
final class FlushTrackerIT {
    private static final int PAGE = 8192;
    private static final int PAGE_HEADER = 24;
    /** What a message of this prefix takes in the log beside its text, once it is long. */
    private static final int MESSAGE_OVERHEAD = 57;

    private static final int MESSAGE_MIN = 300;

    @Test
    void r15ShouldTakeACommitForDurableWhenTheLogEndsAtAPage() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.start();
                Connection connection = server.connect(EmbeddedPostgres.USER)) {
            // The server itself writes now and then: again, until nothing came between.
            long flushed = 0;
            for (int attempt = 0; lsn(connection, "insert") != flushed + PAGE_HEADER; attempt++) {
                assertTrue(attempt < 10, "the log's end could not be placed");
                flushed = endAtPage(connection);
            }
            long insert = lsn(connection, "insert");
            Position position = new Position(Epoch.begin(1), 1, 10);
            FlushTracker tracker = new FlushTracker();
            tracker.committed(position);
            assertEquals(position, tracker.observe(insert, flushed));
        }
    }

    /** Lets the log end at a page, and returns the flushed position when the server has nothing left to flush. */
    private static long endAtPage(Connection connection) throws SQLException {
        long end = lsn(connection, "insert");
        while (end % PAGE != PAGE_HEADER) {
            long left = PAGE - end % PAGE;
            long length = (left < MESSAGE_MIN ? PAGE / 2 : left) - MESSAGE_OVERHEAD;
            try (Statement statement = connection.createStatement()) {
                statement.execute("SELECT pg_logical_emit_message(false, 'pad', repeat('x', " + length + "))");
            }
            end = lsn(connection, "insert");
        }
        long page = end - PAGE_HEADER;
        Await.until("the page is flushed", Duration.ofSeconds(60), () -> lsn(connection, "flush") >= page);
        return lsn(connection, "flush");
    }

    private static long lsn(Connection connection, String which) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_current_wal_" + which + "_lsn()")) {
            row.next();
            return Lsn.parse(row.getString(1));
        }
    }
}
