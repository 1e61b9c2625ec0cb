package dev.replicator.launcher.bench;

import java.util.Locale;

/** What a figure has to reach. */
interface Bar {
    /** For the table. */
    String text();

    boolean holds(Figure figure);

    /** Native's median is at least that many times ours. */
    static Bar ratio(double least) {
        return of(String.format(Locale.ROOT, "ratio >= %.1f", least), figure -> figure.ratio() >= least);
    }

    /** Our median is at most that. */
    static Bar atMost(double most, String unit) {
        return of(
                "<= " + Figure.decimal(most) + " " + unit,
                figure -> figure.ours().median() <= most);
    }

    /** Our median is at least that. */
    static Bar atLeast(double least, String unit) {
        return of(
                ">= " + Figure.decimal(least) + " " + unit,
                figure -> figure.ours().median() >= least);
    }

    /** A condition of its own. */
    static Bar of(String text, java.util.function.Predicate<Figure> condition) {
        return new Bar() {
            @Override
            public String text() {
                return text;
            }

            @Override
            public boolean holds(Figure figure) {
                return condition.test(figure);
            }
        };
    }
}
