package dev.replicator.slave.state;

/** A lane's row is not what its owner remembers: somebody else moved it or changed its tables. Roll back, read again. */
public final class LaneMovedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LaneMovedException(LanePosition expected) {
        super("lane " + expected.lane() + " is no longer at " + expected.position() + " (generation "
                + expected.generation() + "): another transaction moved it or changed its tables");
    }

    LaneMovedException(String ended) {
        super("lane " + ended + " has ended meanwhile: its tables are in another lane");
    }
}
