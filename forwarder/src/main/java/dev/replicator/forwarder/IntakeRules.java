package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.store.OutOfOrderException;
import dev.replicator.queue.store.ReplicationQueue;
import java.io.IOException;

/** What becomes of a record that capture sends (rules R06, R07). Asks the queue; changes nothing. */
final class IntakeRules {
    private final ReplicationQueue queue;
    private final QueueAppender appender;

    IntakeRules(ReplicationQueue queue, QueueAppender appender) {
        this.queue = queue;
        this.appender = appender;
    }

    /** What to do with a record. */
    enum Verdict {
        /** It is here already, or tells nothing new. */
        DROP,
        APPEND,
        /** It is the first one of another epoch, which has to begin before it is appended. */
        NEW_EPOCH
    }

    /**
     * Looks at a record's header.
     *
     * @throws dev.replicator.queue.store.ForkedHistoryException when what is sent again is not what is here
     */
    Verdict of(RecordHeader header) throws IOException {
        if (!queue.hasHistory()) {
            throw new OutOfOrderException("capture sent " + header + " before the position its history begins at; it"
                    + " must connect again with a hello that has a base");
        }
        long last = appender.lastSeq();
        if (header.isTransaction() && header.seq() <= last) {
            appender.checkRepeated(header.position());
            return Verdict.DROP;
        }
        if (!header.isTransaction() && header.seq() < last) {
            return Verdict.DROP;
        }
        if (!header.position().epoch().equals(queue.epoch())) {
            return Verdict.NEW_EPOCH;
        }
        boolean older = Long.compareUnsigned(header.lsn(), queue.durableLsn()) <= 0;
        return header.kind() == RecordKind.HEARTBEAT && older ? Verdict.DROP : Verdict.APPEND;
    }

    /** The position a new epoch begins at, as far as its first record tells. */
    Position baseOf(RecordHeader first) {
        return new Position(first.position().epoch(), appender.lastSeq(), first.lsn());
    }
}
