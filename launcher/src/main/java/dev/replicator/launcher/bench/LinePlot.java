package dev.replicator.launcher.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** A chart of lines over one horizontal axis, as SVG. */
final class LinePlot {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 460;
    private static final int LEFT = 80;
    private static final int RIGHT = 200;
    private static final int TOP = 50;
    private static final int BOTTOM = 60;
    private static final int LINE_HEIGHT = 18;
    /** Colours that people with any kind of colour vision tell apart (Okabe and Ito). */
    private static final List<String> COLOURS =
            List.of("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000");

    private final String title;
    private final String xLabel;
    private final String yLabel;
    private final List<Series> series = new ArrayList<>();
    private boolean logarithmic;

    /** One value; on a logarithmic plot {@code y} must be positive. */
    record Point(double x, double y) {}

    /** One line. Lines of one colour number have one colour, dashed ones are told from whole ones. */
    private record Series(String name, List<Point> points, int colour, boolean dashed) {
        String style() {
            return "fill=\"none\" stroke-width=\"2\" stroke=\"" + COLOURS.get(colour % COLOURS.size()) + "\""
                    + (dashed ? " stroke-dasharray=\"6 4\"" : "");
        }
    }

    LinePlot(String title, String xLabel, String yLabel) {
        this.title = title;
        this.xLabel = xLabel;
        this.yLabel = yLabel;
    }

    /** The heights alone. */
    static List<Double> values(List<Point> points) {
        return points.stream().map(Point::y).toList();
    }

    /** The vertical axis rises by powers of ten. */
    LinePlot logarithmic() {
        logarithmic = true;
        return this;
    }

    /** Adds a line with the next colour. */
    LinePlot add(String name, List<Point> points) {
        return add(name, points, series.size(), false);
    }

    /** Adds a line with a colour of its own choice. */
    LinePlot add(String name, List<Point> points, int colour, boolean dashed) {
        series.add(new Series(name, List.copyOf(points), colour, dashed));
        return this;
    }

    void write(Path file) throws IOException {
        if (file.getParent() != null) {
            Files.createDirectories(file.getParent());
        }
        Files.writeString(file, svg());
    }

    String svg() {
        PlotAxis x = PlotAxis.linear(least(Point::x), most(Point::x));
        PlotAxis y = logarithmic
                ? PlotAxis.logarithmic(least(Point::y), most(Point::y))
                : PlotAxis.linear(Math.min(0, least(Point::y)), most(Point::y));
        StringBuilder out = new StringBuilder();
        out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + WIDTH + "\" height=\"" + HEIGHT
                + "\" font-family=\"sans-serif\" font-size=\"13\">\n"
                + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        text(out, WIDTH / 2.0, TOP / 2.0, "middle", "font-size=\"16\"", title);
        text(out, plotX(0.5), HEIGHT - 15, "middle", "", xLabel);
        text(out, 20, plotY(0.5), "middle", "transform=\"rotate(-90 20 " + number(plotY(0.5)) + ")\"", yLabel);
        grid(out, x, y);
        for (int i = 0; i < series.size(); i++) {
            line(out, series.get(i), x, y);
            legend(out, series.get(i), TOP + LINE_HEIGHT * i);
        }
        return out.append("</svg>\n").toString();
    }

    private static void grid(StringBuilder out, PlotAxis x, PlotAxis y) {
        for (double tick : x.ticks()) {
            double at = plotX(x.share(tick));
            rule(out, at, plotY(0), at, plotY(1));
            text(out, at, plotY(0) + LINE_HEIGHT, "middle", "", PlotAxis.label(tick));
        }
        for (double tick : y.ticks()) {
            double at = plotY(y.share(tick));
            rule(out, plotX(0), at, plotX(1), at);
            text(out, plotX(0) - 8, at + 4, "end", "", PlotAxis.label(tick));
        }
    }

    private static void rule(StringBuilder out, double fromX, double fromY, double toX, double toY) {
        out.append("<path stroke=\"#ddd\" d=\"M")
                .append(number(fromX))
                .append(' ')
                .append(number(fromY));
        out.append(" L").append(number(toX)).append(' ').append(number(toY)).append("\"/>\n");
    }

    private static void line(StringBuilder out, Series series, PlotAxis x, PlotAxis y) {
        out.append("<polyline ").append(series.style()).append(" points=\"");
        for (Point point : series.points()) {
            out.append(number(plotX(x.share(point.x())))).append(',');
            out.append(number(plotY(y.share(point.y())))).append(' ');
        }
        out.append("\"><title>").append(escaped(series.name())).append("</title></polyline>\n");
    }

    private static void legend(StringBuilder out, Series series, double y) {
        double x = WIDTH - RIGHT + 15;
        out.append("<path ")
                .append(series.style())
                .append(" d=\"M")
                .append(number(x))
                .append(' ');
        out.append(number(y)).append(" h28\"/>\n");
        text(out, x + 36, y + 4, "start", "", series.name());
    }

    private static void text(StringBuilder out, double x, double y, String anchor, String style, String text) {
        out.append("<text x=\"").append(number(x)).append("\" y=\"").append(number(y));
        out.append("\" text-anchor=\"")
                .append(anchor)
                .append("\" ")
                .append(style)
                .append('>');
        out.append(escaped(text)).append("</text>\n");
    }

    private double least(ToDoubleFunction<Point> value) {
        return all(value).min().orElse(1);
    }

    private double most(ToDoubleFunction<Point> value) {
        return all(value).max().orElse(1);
    }

    private DoubleStream all(ToDoubleFunction<Point> value) {
        return series.stream().flatMap(line -> line.points().stream()).mapToDouble(value);
    }

    private static double plotX(double share) {
        return LEFT + share * (WIDTH - LEFT - RIGHT);
    }

    private static double plotY(double share) {
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
