package dev.replicator.simulation;

import java.util.ArrayList;
import java.util.List;

/** Makes a failing history shorter: leaves out runs of steps, then single ones, as long as it still fails alike. */
final class Shrinker {
    private static final int BUDGET = 6000;

    private final History history;
    private final String kind;
    private int runs;

    Shrinker(History history, Throwable failure) {
        this.history = history;
        this.kind = kindOf(failure);
    }

    static String kindOf(Throwable failure) {
        String text = String.valueOf(failure.getMessage()).replaceAll("slave\\d", "slave");
        String words = text.replaceAll("[^a-z ].*", "");
        return failure.getClass().getName() + " " + words.substring(0, Math.min(words.length(), 24));
    }

    List<Choice> shrink(List<Choice> failing) {
        List<Choice> best = failing;
        for (int size = Math.max(1, best.size() / 2); size >= 1; size = size == 1 ? 0 : size / 2) {
            boolean shorter = true;
            while (shorter && runs < BUDGET) {
                shorter = false;
                for (int from = best.size() - size; from >= 0 && runs < BUDGET; from -= size) {
                    List<Choice> less = new ArrayList<>(best.subList(0, from));
                    less.addAll(best.subList(Math.min(best.size(), from + size), best.size()));
                    List<Choice> taken = failing(less);
                    if (taken != null) {
                        best = taken;
                        shorter = true;
                        from = Math.min(from, best.size());
                    }
                }
            }
        }
        return best;
    }

    private List<Choice> failing(List<Choice> choices) {
        runs++;
        Outcome outcome = history.replay(choices, null);
        boolean same = !outcome.isRight() && kindOf(outcome.failure()).equals(kind);
        return same ? outcome.choices() : null;
    }
}
