package dev.replicator.dumps.postgres;

import dev.replicator.queue.TableName;

/**
 * Blocks of one relation.
 *
 * @param relation a plain table or a leaf
 * @param fromBlock first block
 * @param toBlock block behind the last one, or {@link #END} for all that follow
 */
record TablePart(TableName relation, long fromBlock, long toBlock) {
    static final long END = -1;

    /** SQL condition, or an empty text for the whole relation. */
    String condition() {
        if (toBlock == END) {
            return fromBlock == 0 ? "" : " WHERE ctid >= '(" + fromBlock + ",0)'::tid";
        }
        return " WHERE ctid >= '(" + fromBlock + ",0)'::tid AND ctid < '(" + toBlock + ",0)'::tid";
    }

    @Override
    public String toString() {
        if (fromBlock == 0 && toBlock == END) {
            return relation.toString();
        }
        return relation + " blocks " + fromBlock + " to " + (toBlock == END ? "end" : String.valueOf(toBlock - 1));
    }
}
