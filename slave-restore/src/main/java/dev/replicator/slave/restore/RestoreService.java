package dev.replicator.slave.restore;

import dev.replicator.dumps.CorruptDumpException;
import dev.replicator.dumps.StoredDump;
import dev.replicator.queue.TableName;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.slave.postgres.SqlFailures;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.RestoreRows;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.StateReader;
import dev.replicator.slave.state.TableRows;
import dev.replicator.slave.state.Transactions;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the restores that stand in {@code replicator.restore} in phase loading, each on a thread of its own, and decides
 * what a failure means. Asked by the coordinator's thread; safe for several threads.
 */
public final class RestoreService implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RestoreService.class);
    private static final long RETRY_NANOS = Duration.ofSeconds(2).toNanos();
    private static final int TABLES_AT_ONCE = 32;

    private final RestoreContext context;
    private final Runnable changed;
    private final ExecutorService threads;
    private final Map<TableName, TableRestore> running = new ConcurrentHashMap<>();
    private final Map<TableName, Long> notBefore = new ConcurrentHashMap<>();
    private final Map<TableName, String> troubles = new ConcurrentHashMap<>();

    /** @param changed called when a restore is over or has failed */
    public RestoreService(RestoreContext context, Runnable changed) {
        this.context = context;
        this.changed = changed;
        this.threads = Executors.newFixedThreadPool(TABLES_AT_ONCE, task -> daemon(task, "restore"));
    }

    /** A thread that does not keep the process alive. */
    public static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Starts what is to be loaded and not running. */
    public void start(SlaveState state) {
        Optional<LanePosition> main = state.main();
        if (main.isEmpty()) {
            return;
        }
        for (Restore restore : state.restores().values()) {
            long now = System.nanoTime();
            boolean due = now - notBefore.getOrDefault(restore.table(), now) >= 0;
            if (restore.phase() == RestorePhase.LOADING && due && !running.containsKey(restore.table())) {
                TableRestore task =
                        new TableRestore(context, restore, main.get().position().epoch());
                running.put(restore.table(), task);
                threads.execute(() -> run(restore, task));
            }
        }
    }

    /** Share of the chunks that are in, from 0 to 1; 0 when nothing runs. */
    public double progress(TableName table) {
        TableRestore task = running.get(table);
        return task == null ? 0 : task.progress();
    }

    /** What a restore waits for after a failure, if anything. */
    public Optional<String> trouble(TableName table) {
        return Optional.ofNullable(troubles.get(table));
    }

    /** Removes dumps from the work directory that no restore needs. */
    public void clean(SlaveState state) throws IOException {
        Set<String> needed = state.restores().values().stream()
                .filter(restore -> restore.dumpId() != null)
                .map(Restore::dumpId)
                .collect(Collectors.toSet());
        for (StoredDump dump : context.store().list()) {
            if (!needed.contains(dump.id())) {
                context.store().delete(dump.id());
            }
        }
    }

    private void run(Restore restore, TableRestore task) {
        TableName table = restore.table();
        try {
            LOG.info("restoring {} from dump {}", table, restore.dumpId());
            task.run();
            troubles.remove(table);
            LOG.info("{} is loaded", table);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RestoreSupersededException e) {
            LOG.info("{}", e.getMessage());
        } catch (Exception e) {
            failed(restore, e);
        } finally {
            running.remove(table);
            changed.run();
        }
    }

    private void failed(Restore restore, Exception failure) {
        String why = failure.getMessage();
        try {
            if (failure instanceof DumpDownload.DumpGoneException || isRefusal(failure)) {
                askAgain(restore, why);
            } else if (failure instanceof ReplicatorException known) {
                giveUp(restore, known.getMessage(), known.hint());
            } else if (failure instanceof CorruptDumpException) {
                context.store().delete(restore.dumpId());
                later(restore, why);
            } else if (isForeignKey(failure)) {
                later(restore, "a foreign key here refuses its rows until the table it references is loaded: " + why);
            } else if (isTableError(failure)) {
                giveUp(
                        restore,
                        "restoring it from dump " + restore.dumpId() + " failed: " + why,
                        "mend the table here, then `resume` it");
            } else {
                later(restore, why);
            }
        } catch (RestoreSupersededException e) {
            LOG.info("{}", e.getMessage());
            return;
        } catch (SQLException | IOException e) {
            later(restore, e.getMessage());
        }
        LOG.warn("restoring {} from dump {}: {}", restore.table(), restore.dumpId(), why);
        LOG.debug("restoring {}", restore.table(), failure);
    }

    private static boolean isRefusal(Exception failure) {
        if (!(failure instanceof StatusRuntimeException)) {
            return false;
        }
        Status.Code code = Status.fromThrowable(failure).getCode();
        return code == Status.Code.NOT_FOUND || code == Status.Code.PERMISSION_DENIED;
    }

    /** An existing table is loaded in place, and without replica role its foreign keys are checked meanwhile (rule R19). */
    private static boolean isForeignKey(Exception failure) {
        return sqlCause(failure).filter(SqlFailures::isForeignKey).isPresent();
    }

    private static boolean isTableError(Exception failure) {
        return sqlCause(failure)
                .map(SqlFailures::classify)
                .filter(kind -> kind == SqlFailures.Kind.TABLE_ERROR || kind == SqlFailures.Kind.CONFLICT)
                .isPresent();
    }

    private static Optional<SQLException> sqlCause(Exception failure) {
        Throwable cause = failure instanceof IOException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof SQLException sql ? Optional.of(sql) : Optional.empty();
    }

    private void later(Restore restore, String why) {
        troubles.put(restore.table(), why == null ? "unknown" : why);
        notBefore.put(restore.table(), System.nanoTime() + RETRY_NANOS);
    }

    /** The dump is of no use: what it brought goes, another one is asked for. */
    private void askAgain(Restore restore, String why) throws SQLException, IOException {
        change(restore, session -> {
            Copies.drop(session, current(session, restore));
            RestoreRows.askAgain(session, restore.table(), why);
            return null;
        });
        context.store().delete(restore.dumpId());
    }

    /** The table cannot take the dump until somebody mends it. */
    private void giveUp(Restore restore, String reason, String hint) throws SQLException, IOException {
        change(restore, session -> {
            Copies.drop(session, current(session, restore));
            RestoreRows.end(session, restore.table());
            TableRows.fail(session, restore.table(), reason, hint, 0);
            return null;
        });
        context.store().delete(restore.dumpId());
    }

    private void change(Restore restore, Transactions.Work<Void> work) throws SQLException {
        try (Connection connection = context.open(restore.table())) {
            Transactions.run(connection, work);
        }
    }

    private static Restore current(Connection session, Restore restore) throws SQLException {
        // Another daemon's restore of the same dump may be about to finish.
        RestoreRows.lock(session, restore.table());
        return StateReader.read(session)
                .restore(restore.table())
                .filter(now -> restore.dumpId().equals(now.dumpId()) && now.phase() == RestorePhase.LOADING)
                .orElseThrow(() -> new RestoreSupersededException(restore.table(), restore.dumpId()));
    }

    @Override
    public void close() {
        threads.shutdownNow();
        context.loaders().shutdownNow();
        context.builders().shutdownNow();
    }
}
