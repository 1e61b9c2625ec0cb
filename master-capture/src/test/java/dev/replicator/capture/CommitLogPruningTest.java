package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.store.QueueOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server that crashes may send again stays in the commit log (rule R05). */
class CommitLogPruningTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    /** Enough that pruning is worth its while. */
    private static final long LAST = 400_000;

    @TempDir
    private Path directory;

    private Spool spool;
    private final CommitLogPruning.Checkpoints checkpoints = new CommitLogPruning.Checkpoints();

    /** The spool has let go of all that the log knows. */
    @BeforeEach
    void open() throws IOException {
        spool = Spool.open(QueueOptions.of(directory));
        spool.queue().startHistory(new Position(EPOCH, LAST, lsn(LAST)));
        spool.createCommitLog(new Position(EPOCH, 0, lsn(0)));
        for (long seq = 1; seq <= LAST; seq++) {
            spool.commitLog().append(new CommitEntry(seq, seq, lsn(seq), seq));
        }
        spool.commitLog().sync();
        spool.commitLog().advanceVisible(LAST, new Snapshot(LAST + 1, LAST + 1, List.of()));
    }

    @AfterEach
    void close() throws IOException {
        spool.close();
    }

    private static long lsn(long seq) {
        return 1000 + seq * 8;
    }

    private boolean mayBeginAgainAt(long seq) {
        return Continuity.reaches(lsn(seq), lsn(LAST), spool.commitLog().baseLsn());
    }

    @Test
    void r05ShouldKeepWhatWasConfirmedSinceTheLastCheckpointButOne() throws IOException {
        checkpoints.another(lsn(300_000), spool);
        assertTrue(mayBeginAgainAt(0), "nothing is known of what was saved before");
        checkpoints.another(lsn(350_000), spool);
        assertTrue(mayBeginAgainAt(0), "a crash during a checkpoint brings back the one before");
        checkpoints.another(lsn(LAST), spool);
        assertEquals(lsn(300_000), spool.commitLog().baseLsn());
        assertTrue(mayBeginAgainAt(300_000));
        assertTrue(mayBeginAgainAt(350_000));
        assertFalse(mayBeginAgainAt(299_999));
    }
}
