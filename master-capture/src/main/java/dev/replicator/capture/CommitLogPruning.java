package dev.replicator.capture;

import dev.replicator.capture.postgres.Catalog;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Prunes the commit log. A server that crashes begins at a slot position it had saved: at the latest that of its last
 * checkpoint. So the log keeps what lies behind the confirmed position as of two checkpoints ago (rule R05), what is not
 * yet seen visible (rule R02), and the entry before the spool's first record.
 */
final class CommitLogPruning {
    private static final Logger LOG = LoggerFactory.getLogger(CommitLogPruning.class);

    private final Spool spool;
    private long checkpointLsn;
    private final Checkpoints checkpoints = new Checkpoints();
    private boolean mayAsk = true;

    CommitLogPruning(Spool spool) {
        this.spool = spool;
    }

    void prune(Connection sql, long confirmedLsn) throws SQLException, IOException {
        if (!mayAsk || !sawCheckpoint(sql)) {
            return;
        }
        checkpoints.another(confirmedLsn, spool);
    }

    /** The confirmed positions as of the last checkpoints seen. */
    static final class Checkpoints {
        private long confirmedAtLast;
        private long confirmedAtOneBefore;

        /** The server has made a checkpoint: prunes up to what was confirmed as of two before. */
        void another(long confirmedLsn, Spool spool) throws IOException {
            long bound = confirmedAtOneBefore;
            confirmedAtOneBefore = confirmedAtLast;
            confirmedAtLast = confirmedLsn;
            if (bound != 0) {
                CommitLog log = spool.commitLog();
                log.prune(Math.min(log.firstAbove(bound) - 1, spool.queue().firstSeq() - 1));
            }
        }
    }

    private boolean sawCheckpoint(Connection sql) throws SQLException {
        try {
            long now = Catalog.checkpointLsn(sql);
            boolean another = now != checkpointLsn;
            checkpointLsn = now;
            return another;
        } catch (SQLException e) {
            if (!"42501".equals(e.getSQLState())) {
                throw e;
            }
            mayAsk = false;
            LOG.warn("The commit log is not pruned: capture's role may not call pg_control_checkpoint();"
                    + " GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_checkpoint() TO it");
            return false;
        }
    }
}
