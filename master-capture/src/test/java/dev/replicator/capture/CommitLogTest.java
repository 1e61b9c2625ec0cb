package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.Epoch;
import dev.replicator.queue.Position;
import dev.replicator.queue.format.BodyEncoder;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.QueueOptions;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommitLogTest {
    private static final Epoch EPOCH = Epoch.begin(1);
    private static final Position BASE = new Position(EPOCH, 100, 1000);

    @TempDir
    private Path directory;

    private CommitLog log;

    @BeforeEach
    void create() throws IOException {
        log = CommitLog.create(CommitLogs.in(directory.resolve("commit-log")), BASE);
    }

    @Test
    void r02ShouldPutTheBaseBelowEveryTransactionTheSnapshotDoesNotSee() throws IOException {
        append(5);
        // Transaction ids are 1000 + seq: 103 is still running, 105 began later.
        Snapshot snapshot = new Snapshot(1103, 1105, List.of(1103L));
        assertEquals(102, log.baseSeq(BASE.seq(), 105, snapshot));
        assertEquals(101, log.baseSeq(BASE.seq(), 101, snapshot));
        assertEquals(105, log.baseSeq(BASE.seq(), 105, new Snapshot(2000, 2000, List.of())));
    }

    @Test
    void r02ShouldGoBackToWhatBecameVisibleBehindTheSnapshotsBack() throws IOException {
        append(5);
        Snapshot taken = new Snapshot(1103, 1106, List.of(1103L));
        long visibleBefore = log.advanceVisible(105, taken);
        log.flush();
        assertEquals(105, log.advanceVisible(105, new Snapshot(1106, 1106, List.of())));
        assertEquals(102, log.baseSeq(visibleBefore, 105, taken));
    }

    @Test
    void r02ShouldKeepWhatIsNotYetVisibleThoughItIsWrittenAndPruned() throws IOException {
        append(5);
        Snapshot snapshot = new Snapshot(1103, 1106, List.of(1103L));
        assertEquals(102, log.advanceVisible(105, snapshot));
        log.sync();
        log.prune(105);
        assertEquals(102, log.baseSeq(BASE.seq(), 105, snapshot));
        assertEquals(102, log.visibleSeq());
        assertEquals(105, log.advanceVisible(105, new Snapshot(1106, 1106, List.of())));
        assertEquals(105, log.baseSeq(BASE.seq(), 105, new Snapshot(1106, 1106, List.of())));
    }

    @Test
    void r05ShouldFindWhatTheServerMustSendAgain() throws IOException {
        append(5);
        log.advanceVisible(105, new Snapshot(2000, 2000, List.of()));
        log.sync();
        append(5);
        assertEquals(101, log.firstAbove(1000));
        assertEquals(102, log.firstAbove(1010));
        assertEquals(106, log.firstAbove(1050));
        assertEquals(111, log.firstAbove(9999));
        Resent resent = new Resent(log, new Position(EPOCH, 110, 1100), 1080);
        resent.compare(1109, 1090, 109);
        assertThrows(ReplicatorException.class, resent::end);
        assertTrue(resent.isPending(), "nothing may be confirmed before all has come again");
        resent.compare(1110, 1100, 110);
        assertFalse(resent.isPending());
        resent.end();
        Resent other = new Resent(log, new Position(EPOCH, 110, 1100), 1090);
        assertThrows(ReplicatorException.class, () -> other.compare(1110, 1100, 111));
    }

    /** Each of the three alone: a master that was put back may write the other two again. */
    @Test
    void r05ShouldCompareIdPlaceAndCommitTimeOfWhatComesAgain() throws IOException {
        append(5);
        Position tail = new Position(EPOCH, 105, 1050);
        new Resent(log, tail, 1000).compare(1101, 1010, 101);
        for (CommitEntry other : List.of(
                new CommitEntry(101, 1102, 1010, 101),
                new CommitEntry(101, 1101, 1011, 101),
                new CommitEntry(101, 1101, 1010, 102))) {
            Resent resent = new Resent(log, tail, 1000);
            ReplicatorException refused = assertThrows(
                    ReplicatorException.class,
                    () -> resent.compare(other.transactionId(), other.lsn(), other.commitMicros()));
            assertEquals(ErrorCode.FORKED_HISTORY, refused.code());
            assertTrue(refused.getMessage().contains(other.describe()), refused.getMessage());
            assertTrue(refused.hint().contains("Everything after seq 100 is unknown"), refused.hint());
        }
    }

    @Test
    void shouldReadTheRestFromTheSpoolAndCutWhatTheSpoolDoesNotHave() throws IOException {
        append(2);
        log.sync();
        append(2);
        Path file = directory.resolve("commit-log");
        byte[] durable = Files.readAllBytes(file);
        log.close();
        // As after a crash: half an entry behind what was made durable.
        Files.write(file, durable);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.APPEND)) {
            channel.write(java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3}));
        }
        try (ReplicationQueue spool = ReplicationQueue.open(QueueOptions.of(directory.resolve("spool")))) {
            spool.startHistory(BASE);
            for (long seq = 101; seq <= 103; seq++) {
                RecordHeader header = header(seq);
                spool.writer().append(header, header.encode());
            }
            spool.writer().sync();
            try (CommitLog opened = CommitLog.open(CommitLogs.in(file), spool)) {
                assertEquals(103, opened.lastSeq());
                assertEquals(Optional.of(entry(103)), opened.entry(103));
                assertEquals(Optional.of(1000L), opened.lsnOf(100));
                opened.truncateAfter(101);
                assertEquals(Optional.empty(), opened.entry(102));
                assertEquals(102, opened.firstAbove(1010));
            }
        }
    }

    @Test
    void shouldSurviveGrowingAndDropping() throws IOException {
        append(5000);
        log.advanceVisible(4000, new Snapshot(1000 + 3000, 1000 + 3000, List.of()));
        log.flush();
        append(5000);
        assertEquals(Optional.of(entry(2500)), log.entry(2500));
        assertEquals(Optional.of(entry(9000)), log.entry(9000));
        assertEquals(2999, log.visibleSeq());
    }

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            log.append(entry(log.lastSeq() + 1));
        }
    }

    private static CommitEntry entry(long seq) {
        return new CommitEntry(seq, 1000 + seq, 1000 + (seq - 100) * 10, seq);
    }

    private static RecordHeader header(long seq) throws IOException {
        BodyEncoder body = new BodyEncoder(block -> {});
        body.finish();
        CommitEntry entry = entry(seq);
        return new RecordHeader(
                RecordKind.TRANSACTION,
                0,
                0,
                new Position(EPOCH, seq, entry.lsn()),
                entry.transactionId(),
                entry.commitMicros(),
                0,
                "",
                body.shares());
    }
}
