package dev.replicator.capture;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A logical message of ours in the master's log: settles a group of dumps, or answers {@code admin wait} (rule R15).
 *
 * @param tableIds tables whose dumps it settles; 0 alone for none
 * @param text group of the dumps, or the mark
 */
record LogMessage(List<Integer> tableIds, String text) {
    private static final String DUMP = "dump";
    private static final String MARK = "mark";

    LogMessage {
        tableIds = List.copyOf(tableIds);
    }

    /** Content of the message that settles a group of dumps. */
    static String dump(String group, Collection<Integer> tableIds) {
        return DUMP + " " + group + " "
                + tableIds.stream().map(Integer::toUnsignedString).collect(Collectors.joining(","));
    }

    /** Content of a mark. */
    static String mark(String id) {
        return MARK + " " + id;
    }

    /** Reads a message; empty when somebody else wrote it under our prefix. */
    static Optional<LogMessage> parse(String content) {
        String[] words = content.split(" ", -1);
        if (words.length == 2 && words[0].equals(MARK) && !words[1].isEmpty()) {
            return Optional.of(new LogMessage(List.of(0), words[1]));
        }
        if (words.length != 3 || !words[0].equals(DUMP) || words[1].isEmpty()) {
            return Optional.empty();
        }
        List<Integer> ids = new ArrayList<>();
        for (String id : words[2].split(",", -1)) {
            try {
                ids.add(Integer.parseUnsignedInt(id));
            } catch (NumberFormatException ignored) {
                return Optional.empty();
            }
        }
        return Optional.of(new LogMessage(ids, words[1]));
    }
}
