package dev.replicator.forwarder;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.dumps.DumpState;
import dev.replicator.dumps.StoredDump;
import dev.replicator.forwarder.DumpEntry.State;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All dumps: requested, arriving, cached. Decides which one serves a slave (rules R02 and R08) and remembers requests
 * across restarts. Complete dumps are catalogued from their manifests; requests from the queue's values.
 *
 * <p>Guarded by its monitor; {@link #awaitChange} waits on it.
 */
final class DumpCatalog {
    private static final Logger LOG = LoggerFactory.getLogger(DumpCatalog.class);
    private static final String PREFIX = "dump/";
    private static final String NEXT_ID = "dump-next-id";
    private static final Duration FAILURE_SHOWN = Duration.ofMinutes(30);
    private static final Duration REFUSED_PAUSE = Duration.ofSeconds(15);
    private static final Duration RETRY_FIRST = Duration.ofSeconds(1);
    private static final int RETRY_DOUBLINGS = 5;
    private static final Duration FENCE_AGAIN = Duration.ofSeconds(30);

    private final ReplicationQueue queue;
    private final DumpFiles files;
    private final Clock clock;
    private final TreeMap<String, DumpEntry> entries = new TreeMap<>();
    private final DumpRules rules;
    private final Consumer<String> cancelAtCapture;

    private final LongSupplier nanoTime;

    /**
     * @param nanoTime as of {@link System#nanoTime}
     * @param cancelAtCapture told ids that capture need not work on any more
     */
    DumpCatalog(
            ReplicationQueue queue,
            DumpFiles files,
            Clock clock,
            LongSupplier nanoTime,
            Consumer<String> cancelAtCapture) {
        this.queue = queue;
        this.cancelAtCapture = cancelAtCapture;
        this.files = files;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.rules = new DumpRules(queue);
    }

    /** Reads what was stored and brings it together with the manifests on disk. */
    synchronized void open() throws IOException {
        for (String json : queue.values().list(PREFIX).values()) {
            DumpEntry entry = DumpEntry.fromJson(json);
            entries.put(entry.id, entry);
        }
        for (DumpManifest manifest : files.list()) {
            reconcile(manifest);
        }
        for (DumpEntry entry : List.copyOf(entries.values())) {
            if (entry.state != State.FAILED
                    && entry.state != State.REQUESTED
                    && manifest(entry).isEmpty()) {
                fail(entry, "its files are gone", entry.state == State.RUNNING);
            }
        }
    }

    /** The manifest rules over the stored request; a complete dump needs no request to be known. */
    private void reconcile(DumpManifest manifest) throws IOException {
        DumpEntry entry = entries.get(manifest.id());
        if (entry == null && manifest.state() == DumpState.COMPLETE) {
            entry = new DumpEntry(manifest.id(), manifest.table(), manifest.group(), manifest.createdAt());
            entry.state = State.RUNNING;
            entries.put(entry.id, entry);
            save(entry);
        }
        boolean unwanted = entry == null || entry.state == State.FAILED || manifest.state() == DumpState.FAILED;
        if (unwanted) {
            files.delete(manifest.id());
        }
    }

    /** Whether a dump waits for its marker: then the queue is searched for it once after a start. */
    synchronized boolean awaitsMarkers() {
        return entries.values().stream().anyMatch(entry -> entry.state.isOpen());
    }

    /**
     * Names a dump for a table: a cached one, one under way, or a new request.
     *
     * @param slave who needs it; null for an operator's request
     * @param fresh do not use the cache; one under way is joined
     * @param group snapshot of a new request, see {@link #newGroup}
     */
    synchronized DumpEntry require(TableName table, String slave, boolean fresh, String group) throws IOException {
        Optional<DumpEntry> chosen = fresh ? Optional.empty() : cached(table);
        if (chosen.isEmpty()) {
            chosen = open(table);
        }
        DumpEntry entry = chosen.isPresent() ? chosen.get() : request(table, group);
        if (slave != null && entry.wantedBy.add(slave)) {
            save(entry);
        }
        return entry;
    }

    private DumpEntry request(TableName table, String group) throws IOException {
        DumpEntry entry = new DumpEntry(nextId(), table, group, clock.instant());
        entries.put(entry.id, entry);
        save(entry);
        LOG.atInfo().addKeyValue("dump", entry.id).addKeyValue("table", table).log("Dump requested");
        notifyAll();
        return entry;
    }

    /** Names a snapshot that does not exist yet. */
    static String newGroup() {
        return "g-" + UUID.randomUUID();
    }

    private Optional<DumpEntry> cached(TableName table) {
        return entries.values().stream()
                .filter(entry -> entry.table.equals(table) && isUsable(entry))
                .filter(entry -> rules.isCheaperThanNew(manifest(entry).orElseThrow()))
                .reduce((older, newer) -> newer);
    }

    /** A complete dump that could serve, at whatever cost of replaying. */
    synchronized Optional<DumpEntry> usable(TableName table) {
        return entries.values().stream()
                .filter(entry -> entry.table.equals(table) && isUsable(entry))
                .reduce((older, newer) -> newer);
    }

    /** Notes that a slave needs a dump: it is in use until released. */
    synchronized void want(DumpEntry entry, String slave) throws IOException {
        if (entries.containsKey(entry.id) && entry.wantedBy.add(slave)) {
            save(entry);
        }
    }

    private Optional<DumpEntry> open(TableName table) {
        return entries.values().stream()
                .filter(entry -> entry.table.equals(table) && entry.state.isOpen())
                .filter(entry -> manifest(entry)
                        .map(manifest -> rules.obstacle(manifest) == null)
                        .orElse(true))
                .reduce((older, newer) -> newer);
    }

    synchronized Optional<DumpEntry> find(String id) {
        return Optional.ofNullable(entries.get(id));
    }

    /** The dump of that id, or the one that took its place after its snapshot was lost. */
    synchronized Optional<DumpEntry> latest(String id) {
        DumpEntry entry = entries.get(id);
        while (entry != null && entry.successor != null && entries.containsKey(entry.successor)) {
            entry = entries.get(entry.successor);
        }
        return Optional.ofNullable(entry);
    }

    /** All entries, by id. */
    synchronized List<DumpEntry> list() {
        return List.copyOf(entries.values());
    }

    /** Whether a slave could restore it now and join the stream. */
    synchronized boolean isUsable(DumpEntry entry) {
        return entry.state == State.COMPLETE
                && manifest(entry)
                        .map(manifest -> rules.obstacle(manifest) == null)
                        .orElse(false);
    }

    /** Manifest and marker are here. */
    synchronized boolean isComplete(DumpEntry entry) {
        return entry.state == State.COMPLETE;
    }

    /** Requests that capture has to be told of on a connection, by group. */
    synchronized Map<String, List<DumpEntry>> toOrder(long connection, long holdSeq) throws IOException {
        Map<String, List<DumpEntry>> groups = new TreeMap<>();
        long now = nanoTime.getAsLong();
        for (DumpEntry entry : entries.values()) {
            if (entry.state.isOpen()
                    && entry.orderedOn != connection
                    && (entry.attempts == 0 || now - entry.notBeforeNanos >= 0)) {
                entry.orderedOn = connection;
                if (entry.holdSeq == DumpEntry.NO_HOLD) {
                    entry.holdSeq = holdSeq;
                    save(entry);
                }
                groups.computeIfAbsent(entry.group, group -> new ArrayList<>()).add(entry);
            }
        }
        return groups;
    }

    /**
     * A dump begins to arrive.
     *
     * @throws DumpRefusedException when it is not one that was asked for, or can no longer meet the stream; then it is
     *     asked for again
     */
    synchronized void begin(String id, DumpManifest draft) throws IOException, DumpRefusedException {
        DumpEntry entry = entries.get(id);
        if (entry == null || !entry.state.isOpen()) {
            cancelAtCapture.accept(id);
            throw new DumpRefusedException("dump " + id + " is not asked for"
                    + (entry == null ? "" : " any more: it is " + entry.state.text()));
        }
        if (!draft.id().equals(id)
                || !draft.table().equals(entry.table)
                || !draft.group().equals(entry.group)) {
            // Ids begin anew with a lost disk: under this one capture was at another dump, and took the order for that.
            retry(entry, "capture was at another dump of that id");
            throw new DumpRefusedException("the manifest sent for dump " + id + " of " + entry.table + " is that of "
                    + draft.id() + " of " + draft.table());
        }
        String obstacle = rules.earlyObstacle(draft);
        if (obstacle != null) {
            retry(entry, obstacle);
            throw new DumpRefusedException("dump " + id + " of " + entry.table + " is worthless: " + obstacle);
        }
        Optional<DumpManifest> held = files.find(id);
        if (held.isPresent() && !held.get().boundary().equals(draft.boundary())) {
            retry(entry, "capture took another snapshot under the same id");
            throw new DumpRefusedException("dump " + id + " was begun under another snapshot");
        }
        if (held.isEmpty()) {
            files.create(draft);
        }
        entry.state = State.RUNNING;
        save(entry);
        notifyAll();
    }

    /** The complete manifest is here. */
    synchronized void arrived(String id) throws IOException {
        DumpEntry entry = entries.get(id);
        if (entry != null) {
            completeIfSettled(entry);
        }
    }

    /** What the dumps there are were dumps of. */
    synchronized List<TableSchema> schemas() {
        return entries.values().stream()
                .flatMap(entry -> manifest(entry).stream())
                .map(DumpManifest::schema)
                .toList();
    }

    /** Whether a marker is that of a dump there is here, of whatever state. */
    synchronized boolean knowsMarker(String text) {
        return entries.values().stream().anyMatch(entry -> manifest(entry)
                .map(manifest -> manifest.boundary().markerId().equals(text))
                .orElse(false));
    }

    /** A marker came by in the stream. */
    synchronized void marker(String text) throws IOException {
        for (DumpEntry entry : List.copyOf(entries.values())) {
            if (entry.state.isOpen() && entry.isMarkedBy(text) && entry.markers.add(text)) {
                save(entry);
                completeIfSettled(entry);
            } else if (text.equals(entry.fence) && awaitsOnlyItsMarker(entry)) {
                retry(entry, "its marker never came: the master forgot it, restored from a backup");
            }
        }
    }

    /**
     * Marks to order for dumps that lack nothing but their marker: the stream is in order, so a marker that has not come
     * before a mark ordered later never comes. A master restored from a backup has forgotten it.
     */
    synchronized List<String> fences() {
        List<String> marks = new ArrayList<>();
        long now = nanoTime.getAsLong();
        for (DumpEntry entry : entries.values()) {
            boolean due = entry.fence == null || now - entry.fenceNanos >= FENCE_AGAIN.toNanos();
            if (due && awaitsOnlyItsMarker(entry)) {
                entry.fence = "fence-" + entry.id + "-" + UUID.randomUUID();
                entry.fenceNanos = now;
                marks.add(entry.fence);
            }
        }
        return marks;
    }

    private boolean awaitsOnlyItsMarker(DumpEntry entry) {
        return entry.state == State.RUNNING
                && manifest(entry)
                        .map(manifest -> manifest.state() == DumpState.COMPLETE)
                        .orElse(false);
    }

    private void completeIfSettled(DumpEntry entry) throws IOException {
        Optional<DumpManifest> manifest = manifest(entry);
        if (entry.state != State.RUNNING
                || manifest.isEmpty()
                || manifest.get().state() != DumpState.COMPLETE
                || !entry.markers.contains(manifest.get().boundary().markerId())) {
            return;
        }
        entry.state = State.COMPLETE;
        save(entry);
        LOG.atInfo()
                .addKeyValue("dump", entry.id)
                .addKeyValue("table", entry.table)
                .addKeyValue("rows", manifest.get().rows())
                .log("Dump complete");
        notifyAll();
    }

    /** Capture could not make a dump. */
    synchronized void failed(String id, String reason, boolean retry) throws IOException {
        DumpEntry entry = entries.get(id);
        if (entry == null || !entry.state.isOpen()) {
            return;
        }
        if (retry) {
            retry(entry, reason);
        } else {
            entry.refusedNanos = nanoTime.getAsLong();
            fail(entry, reason, false);
        }
    }

    /**
     * Why capture has just refused to make a dump of a table, which somebody has to mend first: each attempt costs the
     * master a snapshot, so slaves do not make it try again at once. Empty while one is under way, as by an operator's order.
     */
    synchronized Optional<String> refusal(TableName table) {
        long now = nanoTime.getAsLong();
        return open(table).isPresent()
                ? Optional.empty()
                : entries.values().stream()
                        .filter(entry -> entry.table.equals(table) && entry.refusedNanos != 0)
                        .filter(entry -> now - entry.refusedNanos < REFUSED_PAUSE.toNanos())
                        .map(entry -> entry.error)
                        .reduce((older, newer) -> newer);
    }

    /** Ends a request or a dump by an operator's will. Returns false when there is nothing to cancel. */
    synchronized boolean cancel(String id) throws IOException {
        DumpEntry entry = entries.get(id);
        if (entry == null || !entry.state.isOpen()) {
            return false;
        }
        fail(entry, "cancelled by an operator", false);
        cancelAtCapture.accept(id);
        return true;
    }

    /** Removes a dump whatever its state; returns false when there is none. */
    synchronized boolean drop(String id) throws IOException {
        DumpEntry entry = entries.remove(id);
        if (entry == null) {
            return false;
        }
        entry.state = State.FAILED;
        entry.error = "dropped by an operator";
        queue.values().delete(PREFIX + id);
        files.delete(id);
        cancelAtCapture.accept(id);
        notifyAll();
        return true;
    }

    /** Everything cached or under way belongs to another history. */
    synchronized void retireAll(String reason) throws IOException {
        for (DumpEntry entry : List.copyOf(entries.values())) {
            if (entry.state == State.COMPLETE) {
                retire(entry, reason);
            } else if (entry.state.isOpen()) {
                retry(entry, reason);
            }
        }
    }

    /** A table changed: its dumps that are not of the definition in force are worthless (rule R08). */
    synchronized void schemaChanged(TableSchema schema) throws IOException {
        for (DumpEntry entry : List.copyOf(entries.values())) {
            Optional<DumpManifest> manifest = manifest(entry);
            if (manifest.isEmpty()
                    || manifest.get().tableId() != schema.tableId() && !entry.table.equals(schema.name())) {
                continue;
            }
            String obstacle = DumpRules.changed(manifest.get(), schema);
            if (obstacle != null && entry.state == State.COMPLETE) {
                retire(entry, obstacle);
            } else if (obstacle != null && entry.state.isOpen()) {
                retry(entry, obstacle);
            }
        }
    }

    /** Removes complete dumps that can no longer meet the stream. */
    synchronized void retireUnusable() throws IOException {
        for (DumpEntry entry : List.copyOf(entries.values())) {
            Optional<DumpManifest> manifest = manifest(entry);
            if (entry.state == State.COMPLETE && manifest.isPresent()) {
                String obstacle = rules.obstacle(manifest.get());
                if (obstacle != null) {
                    retire(entry, obstacle);
                }
            }
            boolean old = clock.instant().minus(FAILURE_SHOWN).isAfter(entry.createdAt);
            if (entry.state == State.FAILED && old && entry.wantedBy.isEmpty()) {
                forget(entry);
            }
        }
    }

    /** Removes a cached dump; the caller says why. */
    synchronized void retire(DumpEntry entry, String reason) throws IOException {
        LOG.atInfo()
                .addKeyValue("dump", entry.id)
                .addKeyValue("table", entry.table)
                .log("Dump retired: {}", reason);
        entry.state = State.FAILED;
        entry.error = reason;
        files.delete(entry.id);
        forget(entry);
        notifyAll();
    }

    /** The same table is wanted under a new snapshot and a new id, after a pause that grows (rule R03). */
    private void retry(DumpEntry entry, String reason) throws IOException {
        DumpEntry next = new DumpEntry(nextId(), entry.table, newGroup(), clock.instant());
        next.wantedBy.addAll(entry.wantedBy);
        next.attempts = entry.attempts + 1;
        next.error = reason;
        next.notBeforeNanos =
                nanoTime.getAsLong() + (RETRY_FIRST.toNanos() << Math.min(next.attempts - 1, RETRY_DOUBLINGS));
        entries.put(next.id, next);
        save(next);
        entry.successor = next.id;
        fail(entry, reason, true);
        cancelAtCapture.accept(entry.id);
    }

    private void fail(DumpEntry entry, String reason, boolean again) throws IOException {
        LOG.atWarn()
                .addKeyValue("dump", entry.id)
                .addKeyValue("table", entry.table)
                .log("Dump failed{}: {}", again ? ", it is asked for again" : "", reason);
        entry.state = State.FAILED;
        entry.error = reason;
        entry.wantedBy.clear();
        files.delete(entry.id);
        save(entry);
        notifyAll();
    }

    private void forget(DumpEntry entry) throws IOException {
        entries.remove(entry.id);
        queue.values().delete(PREFIX + entry.id);
    }

    /** A slave no longer needs it: restored, or the slave is gone. */
    synchronized void release(String id, String slave) throws IOException {
        DumpEntry entry = entries.get(id);
        if (entry != null && entry.wantedBy.remove(slave)) {
            save(entry);
        }
    }

    /** A slave begins to read it. */
    synchronized void fetchBegins(DumpEntry entry) {
        entry.fetching++;
    }

    /** A slave ended reading it; {@code served}: it got everything. */
    synchronized void fetchEnds(DumpEntry entry, String slave, boolean served) throws IOException {
        entry.fetching--;
        if (served && entry.servedTo.add(slave) && entries.containsKey(entry.id)) {
            save(entry);
        }
    }

    /** What one dump needs of the queue: nothing above the returned seq may go. */
    synchronized long holdOf(DumpEntry entry) {
        Optional<DumpManifest> manifest = manifest(entry);
        if (entry.state == State.FAILED) {
            return Long.MAX_VALUE;
        }
        if (manifest.isPresent()) {
            return manifest.get().boundary().baseSeq();
        }
        return entry.holdSeq == DumpEntry.NO_HOLD ? Long.MAX_VALUE : entry.holdSeq;
    }

    /** Cached, and nobody is using it (rule R17). */
    synchronized boolean isWish(DumpEntry entry) {
        return entry.state == State.COMPLETE && entry.wantedBy.isEmpty() && entry.fetching == 0;
    }

    /** Cached dumps nobody uses, oldest baseSeq first. */
    synchronized List<DumpEntry> wishes() {
        return entries.values().stream()
                .filter(this::isWish)
                .sorted(java.util.Comparator.comparingLong(this::holdOf))
                .toList();
    }

    /** Gives up a dump in the making or in use: the queue's budget goes first, then it waits (rule R02). */
    synchronized void giveUp(String id, String reason) throws IOException {
        DumpEntry entry = entries.get(id);
        if (entry != null && entry.state.isOpen()) {
            retry(entry, reason);
        } else if (entry != null && entry.state == State.COMPLETE) {
            retire(entry, reason);
        }
    }

    /** Manifest on disk: draft or complete; empty while only requested. */
    Optional<DumpManifest> manifest(DumpEntry entry) {
        return files.find(entry.id);
    }

    Optional<StoredDump> stored(DumpEntry entry) {
        return files.stored(entry.id);
    }

    long sizeBytes() {
        return files.sizeBytes();
    }

    /** Waits until something changed, or time is up. */
    synchronized void awaitChange(Duration timeout) throws InterruptedException {
        java.util.concurrent.TimeUnit.MILLISECONDS.timedWait(this, timeout.toMillis());
    }

    /** Ids of dumps a slave wants. */
    synchronized Collection<DumpEntry> wantedBy(String slave) {
        return entries.values().stream()
                .filter(entry -> entry.wantedBy.contains(slave))
                .toList();
    }

    private String nextId() throws IOException {
        long next = Long.parseLong(queue.values().get(NEXT_ID).orElse("1"));
        for (DumpManifest dump : files.list()) {
            next = Math.max(next, number(dump.id()) + 1);
        }
        for (String id : entries.keySet()) {
            next = Math.max(next, number(id) + 1);
        }
        queue.values().put(NEXT_ID, Long.toString(next + 1));
        return String.format(Locale.ROOT, "d-%06d", next);
    }

    private static long number(String id) {
        try {
            return id.startsWith("d-") ? Long.parseLong(id, 2, id.length(), 10) : 0;
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private void save(DumpEntry entry) throws IOException {
        queue.values().put(PREFIX + entry.id, entry.toJson());
    }

    /** A dump that capture offers cannot be taken. */
    static final class DumpRefusedException extends Exception {
        DumpRefusedException(String message) {
            super(message);
        }
    }
}
