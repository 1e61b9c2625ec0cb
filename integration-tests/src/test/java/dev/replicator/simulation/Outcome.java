package dev.replicator.simulation;

import java.util.List;
import java.util.Map;

/**
 * What became of a history.
 *
 * @param choices the steps, also those that did nothing
 * @param counts how often each action did something
 * @param failure what went wrong; null when nothing did
 */
record Outcome(List<Choice> choices, Map<Action, Integer> counts, Throwable failure) {
    int steps() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    boolean isRight() {
        return failure == null;
    }
}
