package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.wire.SlaveLane;
import dev.replicator.queue.wire.SlaveReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the forwarder knows of one slave: its lanes' cursors, its open streams, its last report. The positions in the
 * slave's own database rule; the cursors follow them, also backwards (rule R07).
 *
 * <p>Guarded by its monitor, except the counters.
 */
final class Slave {
    static final String MAIN = "main";

    private final String name;
    private final Map<String, Position> cursors = new TreeMap<>();
    private final Map<String, Stream> streams = new HashMap<>();
    private final Set<Stream> fetches = new HashSet<>();
    private final Map<String, String> refusals = new HashMap<>();
    private final Set<TableSchema> rareSchemas = ConcurrentHashMap.newKeySet();
    private final LongAdder bytesSent = new LongAdder();
    private final LongAdder dumpBytesSent = new LongAdder();
    private SlaveReport report;
    private Stream control;
    private Position anewFrom;
    private boolean known;
    private boolean seenSinceStart;
    private boolean paused;
    private boolean dirty;

    /** An open stream of this slave. */
    interface Stream {
        /** Ends it because a newer one of the same lane was opened (rule R10). */
        void supersede();

        /** Ends it because whoever opened it may not any more. */
        void revoke(String reason);
    }

    Slave(String name) {
        this.name = name;
    }

    String name() {
        return name;
    }

    /** Registers a lane's stream; the caller ends the returned one. */
    synchronized Optional<Stream> open(String lane, Stream stream) {
        known = true;
        seenSinceStart = true;
        dirty = true;
        return Optional.ofNullable(streams.put(lane, stream));
    }

    synchronized void closed(String lane, Stream stream) {
        streams.remove(lane, stream);
    }

    /** Registers the stream of a dump that is being fetched. */
    synchronized void fetchOpened(Stream fetch) {
        fetches.add(fetch);
    }

    synchronized void fetchClosed(Stream fetch) {
        fetches.remove(fetch);
    }

    /** Every open stream: lanes, fetches, control. */
    synchronized List<Stream> openStreams() {
        List<Stream> open = new ArrayList<>(streams.values());
        open.addAll(fetches);
        if (control != null) {
            open.add(control);
        }
        return open;
    }

    /** Registers the control stream; the caller ends the returned one. */
    synchronized Optional<Stream> openControl(Stream stream) {
        Optional<Stream> former = Optional.ofNullable(control);
        control = stream;
        known = true;
        seenSinceStart = true;
        dirty = true;
        return former;
    }

    synchronized void controlClosed(Stream stream) {
        if (control == stream) {
            control = null;
        }
    }

    synchronized boolean isConnected() {
        return control != null || !streams.isEmpty();
    }

    synchronized boolean hasStream(String lane) {
        return streams.containsKey(lane);
    }

    /** Whether it ever connected: only then does it hold the queue (rule R17). */
    synchronized boolean isKnown() {
        return known;
    }

    /** Whether it connected since this process started (rule R16: after a lost index nothing else tells its cursors). */
    synchronized boolean isSeenSinceStart() {
        return seenSinceStart;
    }

    synchronized void markKnown() {
        known = true;
    }

    /** A lane stands here now: from its subscription, acknowledgement or report. */
    synchronized void cursor(String lane, Position position) {
        if (!position.equals(cursors.put(lane, position))) {
            dirty = true;
        }
    }

    /**
     * The slave was given a place to begin anew from. What it reports of its tables counts again once it reports that
     * place: until then it speaks of what was before.
     */
    synchronized void beginsAnew(Position from) {
        anewFrom = from;
        cursor(MAIN, from);
    }

    /** A lane was opened from a stored position. One before the new beginning says that there is none any more. */
    synchronized void goesOnFrom(String lane, Position position) {
        if (lane.equals(MAIN) && anewFrom != null && !isAtOrBehind(anewFrom, position)) {
            anewFrom = null;
        }
        cursor(lane, position);
    }

    /** Whether the last report is older than the place the slave begins anew from. */
    synchronized boolean isBeginningAnew() {
        return anewFrom != null;
    }

    /** Takes over a report. It names all lanes: others that are not being streamed are gone. */
    synchronized void report(SlaveReport newReport) {
        report = newReport;
        Set<String> named = new HashSet<>();
        for (SlaveLane lane : newReport.getLanesList()) {
            named.add(lane.getLane());
            if (lane.hasPosition()) {
                reported(lane.getLane(), Positions.fromWire(lane.getPosition()));
            }
        }
        // A slave that just started reports no lanes yet; that does not mean that it has none.
        if (!named.isEmpty()
                && cursors.keySet().removeIf(lane -> !named.contains(lane) && !streams.containsKey(lane))) {
            dirty = true;
        }
    }

    private void reported(String lane, Position position) {
        if (anewFrom == null || !lane.equals(MAIN)) {
            cursor(lane, position);
        } else if (isAtOrBehind(anewFrom, position)) {
            anewFrom = null;
            cursor(lane, position);
        }
    }

    private static boolean isAtOrBehind(Position start, Position position) {
        return position.epoch().equals(start.epoch()) && position.seq() >= start.seq();
    }

    synchronized Optional<SlaveReport> report() {
        return Optional.ofNullable(report);
    }

    synchronized Map<String, Position> cursors() {
        return new TreeMap<>(cursors);
    }

    synchronized Optional<Position> mainCursor() {
        return Optional.ofNullable(cursors.get(MAIN));
    }

    /** Lowest seq any lane stands at; empty when it holds nothing. */
    synchronized OptionalLong lowestSeq() {
        return cursors.values().stream().mapToLong(Position::seq).min();
    }

    /** Why a lane was last refused; null when it was not. */
    synchronized void refusal(String lane, String reason) {
        if (reason == null) {
            refusals.remove(lane);
        } else {
            refusals.put(lane, reason);
        }
    }

    synchronized Optional<String> refusal(String lane) {
        return Optional.ofNullable(refusals.get(lane));
    }

    /** Forgets a lane that gave way at the queue's budget. */
    synchronized void dropCursor(String lane) {
        dirty |= cursors.remove(lane) != null;
    }

    synchronized void paused(boolean nowPaused) {
        paused = nowPaused;
    }

    synchronized boolean isPaused() {
        return paused;
    }

    /** True once after a change worth storing. */
    synchronized boolean takeDirty() {
        boolean was = dirty;
        dirty = false;
        return was;
    }

    /**
     * A schema that was met in the middle of a large transaction without a SCHEMA record in the session: the next session
     * begins with it.
     */
    void remember(TableSchema schema) {
        rareSchemas.add(schema);
    }

    Set<TableSchema> rareSchemas() {
        return Set.copyOf(rareSchemas);
    }

    void sent(long bytes) {
        bytesSent.add(bytes);
    }

    void dumpSent(long bytes) {
        dumpBytesSent.add(bytes);
    }

    long bytesSent() {
        return bytesSent.sum();
    }

    long dumpBytesSent() {
        return dumpBytesSent.sum();
    }
}
