package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.SourceSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Commits logical messages on the master on a thread of its own (rule R15). Any thread may ask. */
final class MarkerEmitter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MarkerEmitter.class);
    private static final int ANSWER_SECONDS = 30;

    private final SourceSessions sessions;
    private final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
        Thread worker = new Thread(work, "marker-emitter");
        worker.setDaemon(true);
        return worker;
    });
    private Connection connection;

    MarkerEmitter(SourceSessions sessions) {
        this.sessions = sessions;
    }

    /** Emits a mark soon; if the master is away, whoever waits for it runs into his own time limit. */
    void mark(String id) {
        thread.execute(() -> emit(LogMessage.mark(id)));
    }

    private void emit(String content) {
        // A connection that has lain idle may be dead: the second attempt uses a new one.
        for (int attempt = 0; attempt < 2; attempt++) {
            try {
                if (connection == null) {
                    connection = sessions.open("replicator capture marker", ANSWER_SECONDS);
                }
                Catalog.emitMessage(connection, content);
                return;
            } catch (SQLException e) {
                LOG.warn("Marker '{}' could not be written on the master: {}", content, e.getMessage());
                disconnect();
            }
        }
    }

    private void disconnect() {
        if (connection == null) {
            return;
        }
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.debug("Marker connection was already gone: {}", e.getMessage());
        }
        connection = null;
    }

    @Override
    public void close() {
        thread.execute(this::disconnect);
        thread.shutdown();
    }
}
