package dev.replicator.capture;

import dev.replicator.queue.Lsn;
import java.util.Locale;

/**
 * What capture remembers of one transaction of the master, whether the spool still has it or not (rules R02, R05).
 *
 * @param seq its number
 * @param transactionId full 64-bit id
 * @param lsn end LSN (unsigned)
 * @param commitMicros commit time
 */
record CommitEntry(long seq, long transactionId, long lsn, long commitMicros) {
    /** For messages about two histories. */
    String describe() {
        return String.format(
                Locale.ROOT,
                "transaction %d (seq %d, end %s, committed at %d µs)",
                transactionId,
                seq,
                Lsn.format(lsn),
                commitMicros);
    }
}
