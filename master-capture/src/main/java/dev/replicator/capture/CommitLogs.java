package dev.replicator.capture;

import dev.replicator.queue.Epoch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens, makes and removes the one {@link CommitLogStore} of a spool. */
interface CommitLogs {
    /** Returns null when there is none, it is damaged, or it belongs to another epoch; cuts what is above the tail. */
    CommitLogStore open(Epoch epoch, long tailSeq) throws IOException;

    /** A new store in place of whatever was there, durable. */
    CommitLogStore create(Epoch epoch, long baseSeq, long baseLsn) throws IOException;

    void delete() throws IOException;

    /** The store in a file. */
    static CommitLogs in(Path file) {
        return new CommitLogs() {
            @Override
            public CommitLogStore open(Epoch epoch, long tailSeq) throws IOException {
                return CommitLogFile.open(file, epoch, tailSeq);
            }

            @Override
            public CommitLogStore create(Epoch epoch, long baseSeq, long baseLsn) throws IOException {
                return CommitLogFile.create(file, epoch, baseSeq, baseLsn);
            }

            @Override
            public void delete() throws IOException {
                Files.deleteIfExists(file);
            }
        };
    }
}
