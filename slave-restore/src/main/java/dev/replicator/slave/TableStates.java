package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.DumpNeed;
import dev.replicator.slave.state.Restore;
import dev.replicator.slave.state.RestorePhase;
import dev.replicator.slave.state.SlaveState;
import dev.replicator.slave.state.TableState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What is to be done next for which tables, told from the durable state alone. No input, no output. */
final class TableStates {
    private TableStates() {}

    /**
     * Tables that ask for dumps in one way.
     *
     * @param fresh the cache will not do
     * @param dumpIds exactly these dumps; empty for any
     */
    record Request(boolean fresh, List<String> dumpIds, List<TableName> tables) {}

    /** What to ask the forwarder: tables that need a dump and are not restoring, asked for together where possible. */
    static List<Request> requests(SlaveState state) {
        List<TableName> any = new ArrayList<>();
        List<TableName> fresh = new ArrayList<>();
        Map<TableName, String> chosen = new LinkedHashMap<>();
        state.tables().values().stream()
                .filter(table -> table.need() != DumpNeed.NONE)
                .filter(table -> state.restore(table.table()).isEmpty())
                .sorted(Comparator.comparing(TableState::table))
                .forEach(table -> {
                    if (table.wantedDump() != null) {
                        chosen.put(table.table(), table.wantedDump());
                    } else {
                        (table.need() == DumpNeed.FRESH ? fresh : any).add(table.table());
                    }
                });
        List<Request> requests = new ArrayList<>();
        add(requests, new Request(false, List.of(), any));
        add(requests, new Request(true, List.of(), fresh));
        add(requests, new Request(false, List.copyOf(chosen.values()), List.copyOf(chosen.keySet())));
        return requests;
    }

    private static void add(List<Request> requests, Request request) {
        if (!request.tables().isEmpty()) {
            requests.add(request);
        }
    }

    /** Restores whose dump was of no use; they stay in their group and ask for another one. */
    static List<TableName> askingAgain(SlaveState state) {
        return state.restores().values().stream()
                .filter(restore -> restore.phase() == RestorePhase.ASKING)
                .map(Restore::table)
                .sorted()
                .toList();
    }

    /** Groups whose tables are all loaded: their side lane may begin. */
    static List<String> loadedGroups(SlaveState state) {
        return groups(state, restore -> restore.phase() == RestorePhase.LOADED);
    }

    /** Groups whose copies are all mirrored beside live tables: they may be compared. */
    static List<String> mirroredGroups(SlaveState state) {
        return groups(
                state, restore -> restore.phase() == RestorePhase.MIRRORED || restore.phase() == RestorePhase.COMPARED);
    }

    private static List<String> groups(SlaveState state, Predicate<Restore> ready) {
        return state.groups().stream()
                .filter(group -> state.group(group).stream().allMatch(ready))
                .toList();
    }

    /** Where a group's side lane begins: behind everything that all its dumps hold. */
    static long baseSeq(List<Restore> group) {
        return group.stream().mapToLong(Restore::since).min().orElseThrow();
    }
}
