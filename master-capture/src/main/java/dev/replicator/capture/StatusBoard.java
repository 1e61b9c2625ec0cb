package dev.replicator.capture;

import dev.replicator.queue.TableName;
import dev.replicator.queue.wire.CaptureStatus;
import dev.replicator.queue.wire.CapturedTable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;

/** What the threads of the daemon know of the state of things, for status and metrics. Thread-safe. */
final class StatusBoard {
    private final LongAdder transactions = new LongAdder();
    private final LongAdder changes = new LongAdder();
    private final LongAdder bytes = new LongAdder();

    private CaptureState state = CaptureState.CONNECTING;
    private String error = "";
    private String forwarderProblem = "";
    private boolean masterConnected;
    private long masterLsn;
    private long visibleSeq;
    private long walHeldBytes;
    private long safeWalBytes = -1;
    private List<String> waitingFor = List.of();
    private List<String> dumpsWaitingFor = List.of();
    private Map<TableName, CapturedTable> tables = new TreeMap<>();

    // Written by the reader for every transaction, so not under the lock.
    private volatile long receivedLsn;
    private volatile long capturedLsn;
    private volatile long confirmedLsn;
    private volatile long newestCommitMicros;
    private volatile long spoolBytes;
    private volatile boolean forwarderConnected;
    private volatile boolean changed;

    synchronized void state(CaptureState newState, String why) {
        if (state != newState || !error.equals(why)) {
            state = newState;
            error = why;
            changed = true;
        }
        masterConnected = state == CaptureState.STREAMING || state == CaptureState.SPOOL_FULL;
    }

    /** What stands between us and the forwarder, other than its absence; empty when nothing does. */
    synchronized void forwarderProblem(String text) {
        changed |= !forwarderProblem.equals(text);
        forwarderProblem = text;
    }

    synchronized CaptureState state() {
        return state;
    }

    synchronized String error() {
        return error.isEmpty() ? forwarderProblem : error;
    }

    synchronized void source(long flushLsn, long heldBytes, long safeBytes) {
        masterLsn = flushLsn;
        walHeldBytes = heldBytes;
        safeWalBytes = safeBytes;
    }

    synchronized void visible(long seq) {
        visibleSeq = seq;
    }

    synchronized void waitingFor(List<String> holders) {
        waitingFor = List.copyOf(holders);
    }

    synchronized void dumpsWaitingFor(List<String> holders) {
        dumpsWaitingFor = List.copyOf(holders);
    }

    synchronized void tables(Map<TableName, CapturedTable> all) {
        if (!tables.equals(all)) {
            tables = new TreeMap<>(all);
            changed = true;
        }
    }

    synchronized Map<TableName, CapturedTable> tables() {
        return Map.copyOf(tables);
    }

    void captured(long lsn, long commitMicros, long changeCount, long length) {
        capturedLsn = lsn;
        newestCommitMicros = commitMicros;
        transactions.increment();
        changes.add(changeCount);
        bytes.add(length);
    }

    /** The source is known up to here, without anything for us. */
    void idleAt(long lsn) {
        capturedLsn = lsn;
        newestCommitMicros = 0;
    }

    void received(long lsn) {
        receivedLsn = lsn;
    }

    void confirmed(long lsn) {
        confirmedLsn = lsn;
    }

    void spoolBytes(long size) {
        spoolBytes = size;
    }

    void forwarderConnected(boolean connected) {
        forwarderConnected = connected;
    }

    boolean isForwarderConnected() {
        return forwarderConnected;
    }

    /** True once after something happened that a reader of the status should see at once. */
    boolean takeChanged() {
        boolean was = changed;
        changed = false;
        return was;
    }

    long receivedLsn() {
        return receivedLsn;
    }

    long capturedLsn() {
        return capturedLsn;
    }

    long confirmedLsn() {
        return confirmedLsn;
    }

    long transactions() {
        return transactions.sum();
    }

    long changes() {
        return changes.sum();
    }

    long bytes() {
        return bytes.sum();
    }

    long spoolBytes() {
        return spoolBytes;
    }

    /** Now minus the commit time of the newest transaction captured; 0 when idle. */
    long lagMicros(long nowMicros) {
        long newest = newestCommitMicros;
        return newest == 0 ? 0 : Math.max(0, nowMicros - newest);
    }

    synchronized CaptureStatus toWire(long nowMicros) {
        return CaptureStatus.newBuilder()
                .setMasterConnected(masterConnected)
                .setState(state.text())
                .setError(error())
                .setMasterLsn(masterLsn)
                .setCapturedLsn(capturedLsn)
                .setVisibleSeq(visibleSeq)
                .setWalHeldBytes(walHeldBytes)
                .setSafeWalBytes(safeWalBytes)
                .setSpoolBytes(spoolBytes)
                .addAllWaitingFor(waitingFor)
                .addAllWaitingFor(dumpsWaitingFor)
                .addAllTables(tables.values())
                .setLagMicros(lagMicros(nowMicros))
                .build();
    }
}
