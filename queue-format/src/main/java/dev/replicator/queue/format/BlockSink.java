package dev.replicator.queue.format;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes finished blocks of a transaction's body, in order. */
@FunctionalInterface
public interface BlockSink {
    /**
     * @param block whole block, position 0; the sink owns it
     */
    void accept(ByteBuffer block) throws IOException;
}
