package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/**
 * How a history is set up, drawn from its seed.
 *
 * @param firstXid transaction ids begin here, near a wrap-around of 32 bits or far from it
 * @param slaves tables granted to each slave at first
 * @param recordsPerSegment of all queues
 * @param queueRecords budget of the forwarder's queue
 * @param confirmsForwarder whether capture confirms only what the forwarder holds
 * @param steps length of the history
 * @param rare actions that may happen in it
 */
record Settings(
        long firstXid,
        List<List<String>> slaves,
        int recordsPerSegment,
        int queueRecords,
        boolean confirmsForwarder,
        int steps,
        Set<Action> rare) {
    private static final long WRAP = 1L << 32;

    /** Lost and restored disks; with {@code -Dmodel.disasters=true}. */
    private static final Set<Action> DISASTERS = EnumSet.of(
            Action.MASTER_RESTORE,
            Action.CAPTURE_RESTORE,
            Action.CAPTURE_LOSES_DISK,
            Action.FORWARDER_RESTORE,
            Action.FORWARDER_LOSES_DISK,
            Action.FORWARDER_LOSES_INDEX);

    static Settings draw(long seed) {
        Random random = new Random(seed * 31 + 7);
        long[] xids = {3, WRAP - 6, WRAP - 3, 2 * WRAP - 9, WRAP + 5};
        List<List<String>> slaves = new ArrayList<>();
        int count = random.nextInt(3) == 0 ? 2 : 1;
        for (int i = 0; i < count; i++) {
            slaves.add(tables(random));
        }
        EnumSet<Action> rare = EnumSet.noneOf(Action.class);
        int share = random.nextInt(4);
        for (Action action : Action.values()) {
            if (action.isRare() && random.nextInt(4) <= share) {
                rare.add(action);
            }
        }
        if (!Boolean.getBoolean("model.disasters")) {
            rare.removeAll(DISASTERS);
        }
        if (rare.contains(Action.MASTER_RESTORE)) {
            // Nobody can tell that a master went back when capture has forgotten with it.
            rare.removeAll(List.of(Action.CAPTURE_LOSES_DISK, Action.CAPTURE_RESTORE));
        }
        return new Settings(
                xids[random.nextInt(xids.length)],
                slaves,
                1 + random.nextInt(6),
                random.nextInt(3) == 0 ? 12 + random.nextInt(20) : 100_000,
                random.nextBoolean(),
                40 + random.nextInt(random.nextInt(4) == 0 ? 360 : 160),
                rare);
    }

    static List<String> tables(Random random) {
        TreeSet<String> tables = new TreeSet<>(Master.NAMES);
        if (random.nextInt(3) == 0) {
            tables.remove(Master.NAMES.get(random.nextInt(Master.NAMES.size())));
        }
        return List.copyOf(tables);
    }
}
