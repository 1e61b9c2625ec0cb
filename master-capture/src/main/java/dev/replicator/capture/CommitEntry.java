package dev.replicator.capture;

/**
 * What capture remembers of one transaction of the master, whether the spool still has it or not (rules R02, R05).
 *
 * @param seq its number
 * @param transactionId full 64-bit id
 * @param lsn end LSN (unsigned)
 * @param commitMicros commit time
 */
record CommitEntry(long seq, long transactionId, long lsn, long commitMicros) {}
