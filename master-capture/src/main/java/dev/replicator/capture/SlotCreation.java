package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import dev.replicator.capture.postgres.Slot;
import dev.replicator.capture.postgres.SourceSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the slot and, while the server waits for running transactions, shows for whom (rule R21). */
final class SlotCreation {
    private static final Logger LOG = LoggerFactory.getLogger(SlotCreation.class);

    private final SourceSessions sessions;
    private final Slot slot;
    private final StatusBoard board;

    SlotCreation(SourceSessions sessions, Slot slot, StatusBoard board) {
        this.sessions = sessions;
        this.slot = slot;
        this.board = board;
    }

    /**
     * Creates it.
     *
     * @param watch a second session, to look who is waited for
     * @return where the stream will begin
     */
    long create(Connection watch) throws SQLException, InterruptedException {
        board.state(CaptureState.PREPARING, "");
        // No limit for the answer: a forgotten prepared transaction makes the server wait for days.
        try (Connection creator = sessions.open("replicator capture slot", 0)) {
            CompletableFuture<Long> created = new CompletableFuture<>();
            Thread thread = new Thread(() -> create(creator, created), "slot-creation");
            thread.setDaemon(true);
            thread.start();
            try {
                return await(created, watch);
            } catch (InterruptedException | SQLException e) {
                creator.abort(Runnable::run);
                throw e;
            }
        } finally {
            board.waitingFor(List.of());
        }
    }

    private void create(Connection creator, CompletableFuture<Long> created) {
        try {
            created.complete(slot.create(creator));
        } catch (SQLException e) {
            created.completeExceptionally(e);
        }
    }

    private long await(CompletableFuture<Long> created, Connection watch) throws SQLException, InterruptedException {
        for (boolean first = true; ; first = false) {
            try {
                return created.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                List<String> holders = Catalog.running(watch);
                board.waitingFor(holders);
                if (first) {
                    LOG.info("Creating replication slot {} waits for: {}", slot.name(), String.join("; ", holders));
                }
            } catch (ExecutionException e) {
                if (e.getCause() instanceof SQLException sql) {
                    throw sql;
                }
                throw new IllegalStateException(e.getCause());
            }
        }
    }
}
