package dev.replicator.launcher.bench;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/** From values to places along an axis, and where its ticks are. */
final class PlotAxis {
    private static final int ABOUT_TICKS = 6;

    private final double from;
    private final double to;
    private final boolean logarithmic;
    private final List<Double> ticks;

    private PlotAxis(double from, double to, boolean logarithmic, List<Double> ticks) {
        this.from = from;
        this.to = to;
        this.logarithmic = logarithmic;
        this.ticks = ticks;
    }

    /** An axis with even steps of 1, 2 or 5 times a power of ten, from one tick to another. */
    static PlotAxis linear(double least, double most) {
        double step = step(most > least ? most - least : 1);
        long first = (long) Math.floor(least / step);
        long last = Math.max(first + 1, (long) Math.ceil(most / step));
        List<Double> ticks = new ArrayList<>();
        for (long i = first; i <= last; i++) {
            ticks.add(i * step);
        }
        return new PlotAxis(first * step, last * step, false, ticks);
    }

    /**
     * An axis from one power of ten to another.
     *
     * @param least above 0
     */
    static PlotAxis logarithmic(double least, double most) {
        if (!(least > 0)) {
            throw new IllegalArgumentException("a logarithmic axis has no place for " + least);
        }
        int first = (int) Math.floor(Math.log10(least));
        int last = Math.max(first + 1, (int) Math.ceil(Math.log10(most)));
        List<Double> ticks = new ArrayList<>();
        for (int i = first; i <= last; i++) {
            ticks.add(Math.pow(10, i));
        }
        return new PlotAxis(first, last, true, ticks);
    }

    private static double step(double span) {
        double rough = span / ABOUT_TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double factor = rough / power;
        return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
    }

    List<Double> ticks() {
        return ticks;
    }

    /** 0 at the axis' beginning, 1 at its end. */
    double share(double value) {
        return ((logarithmic ? Math.log10(value) : value) - from) / (to - from);
    }

    /** As short as it can be told. */
    static String label(double value) {
        return new BigDecimal(value, new MathContext(6)).stripTrailingZeros().toPlainString();
    }
}
