package dev.replicator.simulation;

/** One history of the master's server; restoring a backup begins another one. */
final class Branch {
    private final int number;
    private Master master;

    Branch(int number, Master master) {
        this.number = number;
        this.master = master;
    }

    Master master() {
        return master;
    }

    void become(Master next) {
        master = next;
    }

    @Override
    public String toString() {
        return "history " + number;
    }
}
