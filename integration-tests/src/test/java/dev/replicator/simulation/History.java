package dev.replicator.simulation;

import dev.replicator.slave.DaemonModel;
import dev.replicator.slave.state.LanePosition;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Runs one history: at random from its seed, or step by step from a list. */
final class History {
    private static final int TRIES = 12;
    private static final int ROUNDS = 2000;
    private static final int QUIET_ROUNDS = 30;

    private final Settings settings;
    private final List<Action> menu = new ArrayList<>();

    History(Settings settings) {
        this.settings = settings;
        for (Action action : Action.values()) {
            for (int i = 0; i < action.weight(); i++) {
                if (!action.isRare() || settings.rare().contains(action)) {
                    menu.add(action);
                }
            }
        }
    }

    /** A history of its own for a seed. */
    Outcome random(long seed) {
        List<Choice> taken = new ArrayList<>();
        World world = null;
        try {
            Random random = new Random(seed);
            world = new World(settings, null);
            for (int step = 0; step < settings.steps(); step++) {
                boolean done = false;
                for (int i = 0; i < TRIES && !done; i++) {
                    Choice next = new Choice(menu.get(random.nextInt(menu.size())), random.nextInt(1 << 24));
                    taken.add(next);
                    done = world.step(next);
                }
            }
            end(world);
            return new Outcome(taken, world.counts(), null);
        } catch (RuntimeException | IOException e) {
            return new Outcome(taken, world == null ? Map.of() : world.counts(), e);
        }
    }

    /** The steps of a list, as far as they can be taken. */
    Outcome replay(List<Choice> choices, List<String> trace) {
        List<Choice> taken = new ArrayList<>();
        World world = null;
        try {
            world = new World(settings, trace);
            for (Choice choice : choices) {
                taken.add(choice);
                world.step(choice);
            }
            end(world);
            return new Outcome(taken, world.counts(), null);
        } catch (RuntimeException | IOException e) {
            return new Outcome(taken, world == null ? Map.of() : world.counts(), e);
        }
    }

    private void end(World world) throws IOException {
        world.settle();
        int quiet = 0;
        String waits = "";
        for (int round = 0; round < ROUNDS && quiet < QUIET_ROUNDS; round++) {
            boolean any = world.round();
            quiet = any ? 0 : quiet + 1;
            waits = unfinished(world);
            if (waits.isEmpty() && quiet > 0) {
                return;
            }
        }
        throw new Violation((quiet < QUIET_ROUNDS ? "does not come to rest: " : "waits for ever: ") + waits);
    }

    /** What is not yet as it has to be in the end; empty when all is. */
    private String unfinished(World world) {
        long tail = world.capture().tailSeq();
        if (tail < 0 || world.capture().stopped() != null || world.forwarder().tailSeq() != tail) {
            return "capture is at " + tail + " (" + world.capture().stopped() + "), the forwarder at "
                    + world.forwarder().tailSeq();
        }
        if (world.capture().hasDumpJob() || !world.forwarder().openDumps().isEmpty()) {
            return "dumps " + world.forwarder().openDumps();
        }
        for (SlaveModel slave : world.slaves()) {
            String waits = unfinished(world, slave, tail);
            if (!waits.isEmpty()) {
                return slave.name + ": " + waits;
            }
        }
        long held = world.forwarder().held();
        return held > 0 ? "the queue holds " + held + " transactions" : "";
    }

    private static String unfinished(World world, SlaveModel slave, long tail) {
        DaemonModel daemon = slave.leader();
        SlaveState state = daemon.state();
        if (state.main().isEmpty() || state.main().get().position().seq() != tail) {
            return "main lane is at " + state.main().map(LanePosition::position) + ", the tail is " + tail;
        }
        if (state.lanes().size() > 1 || !state.restores().isEmpty()) {
            return "lanes " + state.lanes().values() + ", restores "
                    + state.restores().values();
        }
        Set<String> live = new TreeSet<>();
        for (TableState table : state.tables().values()) {
            TableRows rows = slave.database().table(table.table());
            TableRows master = world.master().table(table.table().table()).rows();
            if (!table.isLive() || !master.equals(rows)) {
                return "table " + table + " has " + rows + ", the master " + master;
            }
            live.add(table.table().table());
        }
        Set<String> granted = new TreeSet<>(world.forwarder().granted(slave.name));
        return live.equals(granted) ? "" : "tables " + live + " of " + granted;
    }
}
