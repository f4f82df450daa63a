"""Every kind of stated dimension holds on the right part and fails, by name, on one with a planted error."""

import math
import random
from pathlib import Path

import pytest

from cadmonkey.cad.dimensions import check_dimensions, check_kinds, failure_text
from cadmonkey.cad.judge import judge
from cadmonkey.cad.kinds import KINDS, base_kind, table
from cadmonkey.cad.measure import measure
from cadmonkey.cad.openscad import parse_openscad
from cadmonkey.cad.solid import solid
from cadmonkey.data.rows import make_rows
from cadmonkey.errors import InputError
from cadmonkey.parts import FAMILIES, sample_part

CORNERS = """$fn = 96; difference() { cube([80, 60, 4]); translate([40, 30, -1]) cylinder(d = 20, h = 6);
for (x = [9, 71], y = [8, 52]) translate([x, y, -1]) cylinder(d = 5.5, h = 6); }"""
INSET = CORNERS.replace("[9, 71]", "[8, 72]")
GRID = """$fn = 96; difference() { cube([80, 60, 4]); translate([10, 10, -1])
for (i = [0 : 3], j = [0 : 2]) translate([i * 12, j * 12, 0]) cylinder(d = 5, h = 6); }"""
FLANGE = """$fn = 96; difference() { cylinder(d = 90, h = 8); translate([0, 0, -1]) cylinder(d = 30, h = 10);
for (i = [0 : 6 - 1]) rotate([0, 0, i * 360 / 6]) translate([66 / 2, 0, -1]) cylinder(d = 6.6, h = 10); }"""
TUBE = "$fn = 96; difference() { cylinder(r = 20, h = 50); translate([0, 0, -1]) cylinder(r = 18, h = 52); }"
BOX = "difference() { cube([80, 60, 40]); translate([2, 2, 3]) cube([76, 56, 40]); }"
BRACKET = "union() { cube([50, 20, 4]); cube([4, 20, 30]); }"
SHAFT = "$fn = 96; union() { cylinder(d = 20, h = 15); translate([0, 0, 15]) cylinder(d = 12, h = 40); }"
FRUSTUM = "$fn = 96; cylinder(d1 = 40, d2 = 25, h = 30);"
BALL = "$fn = 96; sphere(r = 14);"

HEX = """$fn = 96; difference() { cylinder(d = 20 / cos(30), h = 8, $fn = 6);
translate([0, 0, -1]) cylinder(d = 10, h = 10); }"""
HEX_HOLE = "difference() { cube([40, 30, 6]); translate([20, 15, -1]) cylinder(d = 12 / cos(30), h = 8, $fn = 6); }"
GEAR = """$fn = 96; difference() { union() { cylinder(r = 18, h = 6);
for (i = [0 : 20 - 1]) rotate([0, 0, i * 360 / 20]) linear_extrude(6) polygon([[17, -2], [22, -1], [22, 1], [17, 2]]); }
translate([0, 0, -1]) cylinder(d = 8, h = 8); }"""
DRILLED = """$fn = 96; difference() { cube([60, 40, 20]);
translate([12, 20, 8]) cylinder(d = 5, h = 20); translate([12, 20, 6.5]) cylinder(d1 = 0, d2 = 5, h = 1.5);
translate([30, 20, -1]) cylinder(d = 5, h = 30); translate([30, 20, 15.5]) cylinder(d = 9, h = 9);
translate([48, 20, -1]) cylinder(d = 5, h = 30); translate([48, 20, 17.5]) cylinder(d1 = 5, d2 = 10, h = 2.5); }"""
PLATE_OF_SLOTS = """$fn = 96; difference() { cube([80, 60, 8]); translate([20, 15, 3]) hull() { cylinder(d = 6, h = 9);
translate([24, 0, 0]) cylinder(d = 6, h = 9); } }"""
POCKETED = """$fn = 96; difference() { cube([80, 60, 8]); translate([10, 10, 3]) linear_extrude(9) offset(3)
translate([3, 3]) square([24, 14]); }"""
WINDOWED = """difference() { cube([80, 60, 40]); translate([2, 2, 2]) cube([76, 56, 40]);
translate([20, -1, 10]) cube([30, 5, 18]); }"""
STUDDED = """$fn = 96; union() { cube([60, 40, 5]);
for (x = [10, 50]) translate([x, 20, 0]) cylinder(d = 8, h = 17); }"""
PULLEY = """$fn = 96; difference() { cylinder(d = 40, h = 12); rotate_extrude() polygon([[14, 6], [21, 2], [21, 10]]);
translate([0, 0, -1]) cylinder(d = 6, h = 14); }"""
GUSSET = """union() { cube([50, 30, 4]); cube([4, 30, 40]);
translate([0, 17, 0]) rotate([90, 0, 0]) linear_extrude(5) polygon([[4, 4], [30, 4], [4, 30]]); }"""
I_BEAM = """rotate([0, 90, 0]) linear_extrude(90) union() { square([6, 40]); translate([54, 0]) square([6, 40]);
translate([0, 18]) square([60, 4]); }"""
CHANNEL = "difference() { cube([90, 40, 30]); translate([-1, 6, 4]) cube([92, 28, 30]); }"
FINNED = "union() { cube([80, 40, 5]); for (i = [0 : 5 - 1]) translate([5 + i * 14, 0, 0]) cube([3, 40, 25]); }"
GRILLE = (
    """difference() { cube([100, 50, 4]); for (i = [0 : 6 - 1]) translate([10 + i * 14, 5, -1]) cube([10, 40, 6]); }"""
)
FUNNEL = """$fn = 96; difference() { union() { cylinder(d = 14, h = 20);
translate([0, 0, 20]) cylinder(d1 = 14, d2 = 84, h = 40); }
translate([0, 0, -1]) cylinder(d = 10, h = 21); translate([0, 0, 20]) cylinder(d1 = 10, d2 = 80, h = 40); }"""
BOWL = """$fn = 96; difference() { sphere(d = 60); sphere(d = 54); translate([-50, -50, 0]) cube([100, 100, 50]); }"""
ROUNDED = "$fn = 96; linear_extrude(5) offset(4) translate([4, 4]) square([52, 32]);"
PILLOW = "$fn = 96; rotate([90, 0, 0]) linear_extrude(50) offset(3) translate([3, 3]) square([52, 14]);"
BEVELLED = "linear_extrude(5) polygon([[2, 0], [58, 0], [60, 2], [60, 38], [58, 40], [2, 40], [0, 38], [0, 2]]);"
PIN = "$fn = 96; union() { cylinder(d = 10, h = 30); translate([0, 0, 30]) cylinder(d1 = 10, d2 = 8, h = 1); }"
WEDGE = "rotate([90, 0, 0]) linear_extrude(30) polygon([[0, 0], [60, 0], [60, 60 * tan(30)]]);"
STRIP = """$fn = 96; difference() { cube([100, 20, 3]);
for (i = [0 : 4]) translate([10 + i * 20, 10, -1]) cylinder(d = 6, h = 5); }"""

PLANTED = [
    ("across_flats", 20, HEX, "20 / cos", "21 / cos", 21),
    ("across_flats", 30, "cube([30, 30, 50]);", "30, 30,", "31, 31,", 31),
    ("across_corners", 20 / math.cos(math.pi / 6), HEX, "20 / cos", "20 * cos", 17.3205),
    ("tip_diameter", 2 * math.hypot(22, 1), GEAR, "[22, -1], [22, 1]", "[21, -1], [21, 1]", 2 * math.hypot(21, 1)),
    ("tip_radius", math.hypot(22, 1), GEAR, "[22, -1], [22, 1]", "[21, -1], [21, 1]", math.hypot(21, 1)),
    ("root_diameter", 36, GEAR, "r = 18", "r = 17.5", 35),
    ("hole_depth", 12, DRILLED, "20, 8]", "20, 7]", 13),
    ("counterbore_diameter", 9, DRILLED, "d = 9", "d = 9.5", 9.5),
    ("counterbore_depth", 4.5, DRILLED, "15.5]", "16]", 4),
    ("countersink_diameter", 10, DRILLED, "d2 = 10", "d2 = 11", 11),
    ("countersink_angle", 90, DRILLED, "d2 = 10", "d2 = 12", 108.925),
    ("socket_across_flats", 12, HEX_HOLE, "12 / cos", "12.2 / cos", 12.2),
    ("slot_length", 30, PLATE_OF_SLOTS, "24, 0, 0", "22, 0, 0", 28),
    ("slot_width", 6, PLATE_OF_SLOTS, "d = 6", "d = 5", 5),
    ("slot_depth", 5, PLATE_OF_SLOTS, "15, 3]", "15, 4]", 4),
    ("pocket_length", 30, POCKETED, "[24, 14]", "[25, 14]", 31),
    ("pocket_width", 20, POCKETED, "[24, 14]", "[24, 15]", 21),
    ("pocket_depth", 5, POCKETED, "10, 3]", "10, 4]", 4),
    ("window_length", 30, WINDOWED, "[30, 5", "[31, 5", 31),
    ("window_width", 18, WINDOWED, "5, 18]", "5, 17]", 17),
    ("boss_diameter", 8, STUDDED, "d = 8", "r = 8", 16),
    ("boss_height", 12, STUDDED, "h = 17", "h = 12", 7),
    ("groove_width", 6.8571, PULLEY, "[21, 2], [21, 10]", "[21, 3], [21, 9]", 5.1429),
    ("groove_depth", 6, PULLEY, "[14, 6]", "[15, 6]", 5),
    ("rib_thickness", 5, GUSSET, "linear_extrude(5)", "linear_extrude(4)", 4),
    ("web_thickness", 4, I_BEAM, "[60, 4]", "[60, 5]", 5),
    ("flange_thickness", 6, I_BEAM, "square([6, 40]);", "square([7, 40]);", 7),
    ("web_thickness", 4, CHANNEL, "6, 4]", "6, 5]", 5),
    ("flange_thickness", 6, CHANNEL, "6, 4]) cube([92, 28", "5, 4]) cube([92, 30", 5),
    ("fin_thickness", 3, FINNED, "[3, 40", "[2.5, 40", 2.5),
    ("fin_pitch", 14, FINNED, "i * 14", "i * 13", 13),
    ("slat_thickness", 4, GRILLE, "[10, 40", "[9, 40", 5),
    ("slat_pitch", 14, GRILLE, "i * 14", "i * 13.5", 13.5),
    ("opening_top_diameter", 80, FUNNEL, "d1 = 10, d2 = 80", "d1 = 10, d2 = 78", 78),
    ("opening_base_diameter", 10, FUNNEL, "d1 = 10, d2 = 80", "d1 = 9, d2 = 80", 9),
    ("inner_sphere_diameter", 54, BOWL, "d = 54", "d = 53", 53),
    ("wall", 3, BOWL, "d = 54", "d = 53", 3.5),
    ("corner_radius", 4, ROUNDED, "offset(4)", "offset(5)", 5),
    ("edge_radius", 3, PILLOW, "offset(3)", "offset(2)", 2),
    ("chamfer", 2, BEVELLED, "[60, 2], [60, 38]", "[60, 3], [60, 38]", 3),
    ("chamfer", 1, PIN, "d2 = 8", "d2 = 7", 1.5),
    ("slope_angle", 30, WEDGE, "tan(30)", "tan(31)", 31),
    ("pitch_x", 20, STRIP, "i * 20", "i * 19", 19),
    ("pitch_y", 12, GRID, "j * 12", "j * 12.5", 12.5),
    ("length", 80, CORNERS, "cube([80,", "cube([80.1,", 80.1),
    ("width", 60, CORNERS, "60, 4]", "60.2, 4]", 60.2),
    ("height", 40, BOX, "60, 40]", "60, 41]", 41),
    ("thickness", 4, CORNERS, "60, 4]", "60, 4.2]", 4.2),
    ("side", 30, "cube([30, 30, 30]);", "30]", "33]", 33),
    ("outer_diameter", 90, FLANGE, "d = 90", "r = 90", 180),
    ("outer_radius", 20, TUBE, "r = 20", "d = 20 * 2.02", 20.2),
    ("sphere_radius", 14, BALL, "r = 14", "d = 14", 7),
    ("base_diameter", 40, FRUSTUM, "d1 = 40", "d1 = 41", 41),
    ("top_diameter", 25, FRUSTUM, "d2 = 25", "d2 = 24.9", 24.9),
    ("bore_diameter", 20, CORNERS, "d = 20", "r = 20", 40),
    ("hole_diameter", 5, GRID, "d = 5", "d = 5.1", 5.1),
    ("off_centre_hole_diameter", 5.5, CORNERS, "d = 5.5", "d = 5", 5),
    ("bolt_circle_diameter", 66, FLANGE, "66 / 2", "66.4 / 2", 66.4),
    ("inset", 8, INSET, "[8, 72]", "[8.5, 72]", 8.5),
    ("spacing_x", 62, CORNERS, "[9, 71]", "[9, 70]", 61),
    ("spacing_y", 44, CORNERS, "[8, 52]", "[8.1, 52]", 43.9),
    ("pitch", 12, GRID, "j * 12", "j * 12.5", 12.5),
    ("wall", 2, TUBE, "r = 18", "r = 17.8", 2.2),
    ("wall", 2, BOX, "[76, 56", "[76.2, 56", 1.8),
    ("floor", 3, BOX, "2, 3]", "2, 2]", 2),
    ("leg_thickness", 4, BRACKET, "[4, 20, 30]", "[4.2, 20, 30]", 4.2),
    ("inner_length", 76, BOX, "[76,", "[75.5,", 75.5),
    ("inner_width", 56, BOX, "76, 56", "76, 57", 57),
    ("inner_height", 37, BOX, "2, 3]", "2, 3.2]", 36.8),
    ("step_diameter", 12, SHAFT, "d = 12", "d = 11", 11),
    ("step_length", 40, SHAFT, "h = 40", "h = 39", 39),
]
PLACED = "$fn = 96; difference() { cube([80, 60, 40]); translate([12, 22, -1]) cylinder(d = 6, h = 42); }"
SIDEWAYS = (
    "$fn = 96; difference() { cube([80, 60, 40]); translate([12, -1, 9]) rotate([-90, 0, 0]) cylinder(d = 6, h = 62); }"
)
STEPPED = "difference() { cube([80, 60, 40]); translate([-1, 22, 31]) cube([13, 16, 10]); }"
PLANTED += [
    ("any_hole_from_left", 12, PLACED, "[12,", "[13,", 13),
    ("any_hole_from_right", 68, PLACED, "[12,", "[13,", 67),
    ("any_hole_from_front", 22, PLACED, "22, -1", "23, -1", 23),
    ("any_hole_from_back", 38, PLACED, "22, -1", "23, -1", 37),
    ("any_hole_from_bottom", 9, SIDEWAYS, "9]", "9.5]", 9.5),
    ("any_hole_from_top", 31, SIDEWAYS, "9]", "9.5]", 30.5),
    ("any_face_from_left", 12, STEPPED, "[13,", "[14,", 13),
    ("any_face_from_right", 68, STEPPED, "[13,", "[14,", 67),
    ("any_face_from_front", 22, STEPPED, "22, 31", "23, 31", 23),
    ("any_face_from_back", 22, STEPPED, "16, 10", "17, 10", 21),
    ("any_face_from_bottom", 31, STEPPED, "31]", "30.9]", 30.9),
    ("any_face_from_top", 9, STEPPED, "31]", "30.9]", 9.1),
    ("any_gap_x", 68, STEPPED, "[13,", "[14,", 67),
    ("any_gap_y", 16, STEPPED, "16, 10", "17, 10", 17),
    ("any_gap_z", 9, STEPPED, "31]", "30.9]", 9.1),
]
CLIP = """$fn = 96; difference() { cylinder(d = 24, h = 10); translate([0, 0, -1]) cylinder(d = 20, h = 12);
translate([0, -6, -1]) cube([14, 12, 12]); }"""
CRADLE = """$fn = 96; difference() { cube([40, 30, 20]); translate([15, -1, 12]) rotate([-90, 0, 0])
cylinder(d = 10, h = 32); translate([10, -1, 12]) cube([10, 32, 9]); }"""
TROUGH = """$fn = 96; difference() { cube([40, 30, 20]); translate([-1, 11, 12]) rotate([0, 90, 0])
cylinder(d = 10, h = 42); translate([-1, 6, 12]) cube([42, 10, 9]); }"""
OBROUND = "$fn = 96; linear_extrude(5) hull() { circle(d = 10); translate([30, 0]) circle(d = 10); }"
FLATTED = "$fn = 96; difference() { cylinder(d = 20, h = 50); translate([-10, 6, -1]) cube([20, 20, 52]); }"
TURNED = "$fn = 96; rotate_extrude() polygon([[5, 0], [20, 0], [30, 10], [30, 18], [5, 18]]);"
HALF_TURNED = "$fn = 96; rotate_extrude(angle = 180) polygon([[5, 0], [20, 0], [30, 10], [30, 18], [5, 18]]);"
RING = "$fn = 96; rotate_extrude() translate([20, 3]) circle(d = 6);"
HALF_RING = "$fn = 96; rotate_extrude(angle = 180) translate([20, 3]) circle(d = 6);"
FOOTED = """$fn = 96; difference() { union() { translate([0, 0, 25]) sphere(d = 40); cylinder(d = 16, h = 25); }
translate([-30, -30, 25]) cube([60, 60, 30]); }"""
UPRIGHT = """$fn = 96; difference() { cube([60, 4, 60]);
for (z = [0 : 2]) translate([30, -1, 10 + z * 15]) rotate([-90, 0, 0]) cylinder(d = 5, h = 6); }"""
SIDE_SLOT = """$fn = 96; difference() { cube([60, 20, 40]); translate([20, -1, 12]) rotate([-90, 0, 0])
hull() { cylinder(d = 6, h = 22); translate([20, 0, 0]) cylinder(d = 6, h = 22); } }"""
VENT = """$fn = 96; difference() { cylinder(d = 60, h = 4); for (i = [0 : 3]) rotate([0, 0, i * 90])
translate([12, 0, -1]) hull() { cylinder(d = 4, h = 6); translate([10, 0, 0]) cylinder(d = 4, h = 6); } }"""
SQUARE_VENT = """$fn = 96; difference() { cylinder(d = 60, h = 4); for (i = [0 : 4]) rotate([0, 0, i * 72])
translate([10, -2, -1]) cube([14, 4, 6]); }"""
SLOTS = """$fn = 96; difference() { cube([90, 40, 4]);
for (i = [0 : 2], j = [0 : 1]) translate([10 + i * 24, 10 + j * 15, -1]) hull()
{ cylinder(d = 4, h = 6); translate([12, 0, 0]) cylinder(d = 4, h = 6); } }"""
TRAY = """difference() { cube([64, 42, 20]); for (i = [0 : 2], j = [0 : 1]) translate([2 + i * 21, 2 + j * 20, 2])
cube([19, 18, 20]); }"""
SIX_SIDED = "cylinder(r = 10, h = 5, $fn = 6);"
WHEEL = """$fn = 96; difference() { union() { difference() { cylinder(d = 80, h = 10); translate([0, 0, -1])
cylinder(d = 70, h = 12); } cylinder(d = 20, h = 10); for (i = [0 : 4]) rotate([0, 0, i * 72]) translate([0, -3, 0])
cube([37, 6, 10]); } translate([0, 0, -1]) cylinder(d = 8, h = 12); }"""
CASE = "difference() { cube([80, 60, 40]); translate([2, 2, 2]) cube([76, 56, 40]); }"
COVER = "difference() { cube([80, 60, 40]); translate([2, -1, 2]) cube([76, 59, 36]); }"
COMB = "union() { cube([70, 10, 4]); for (i = [0 : 3]) translate([i * 20, 0, 0]) cube([10, 30, 4]); }"
NOTCHED = "difference() { cube([70, 10, 20]); for (i = [0 : 2]) translate([10 + i * 20, -1, 12]) cube([8, 12, 9]); }"
FREE = "linear_extrude(12) polygon([[0, 0], [40, 0], [32, 20], [10, 15]]);"
FREE_UPRIGHT = "rotate([90, 0, 0]) " + FREE
PLANTED += [
    ("outside_diameter", 24, CLIP, "d = 24", "d = 25", 25),
    ("inside_diameter", 20, CLIP, "d = 20", "d = 19", 19),
    ("inside_radius", 10, CLIP, "d = 20", "r = 10.1", 10.1),
    ("ring_wall", 2, CLIP, "d = 20", "d = 19", 2.5),
    ("any_axis_from_left", 15, CRADLE, "[15,", "[14.5,", 14.5),
    ("any_axis_from_right", 25, CRADLE, "[15,", "[14.5,", 25.5),
    ("any_axis_from_front", 11, TROUGH, "11, 12", "10.5, 12", 10.5),
    ("any_axis_from_back", 19, TROUGH, "11, 12", "10.5, 12", 19.5),
    ("any_axis_from_bottom", 12, CRADLE, "[15, -1, 12]", "[15, -1, 11]", 11),
    ("any_axis_from_top", 8, CRADLE, "[15, -1, 12]", "[15, -1, 11]", 9),
    ("any_axis_to_face_z", 8, CRADLE, "[15, -1, 12]", "[15, -1, 11]", 9),
    ("channel_depth", 13, CRADLE, "[15, -1, 12]", "[15, -1, 11]", 14),
    ("any_axis_spacing", 30, OBROUND, "30, 0", "31, 0", 31),
    ("any_across_flat", 16, FLATTED, "10, 6", "10, 5.8", 15.8),
    ("any_flat_depth", 4, FLATTED, "10, 6", "10, 5.8", 4.2),
    ("any_turned_diameter", 40, TURNED, "[20, 0]", "[21, 0]", 42),
    ("any_turned_radius", 20, HALF_TURNED, "[20, 0]", "[20.1, 0]", 20.1),
    ("any_turned_step", 10, TURNED, "[20, 0]", "[21, 0]", 9),
    ("any_turned_step", 10, HALF_TURNED.replace("180", "90"), "[20, 0]", "[20.1, 0]", 9.9),
    ("any_rim_width", 10, TURNED, "[20, 0]", "[21, 0]", 9),
    ("any_rim_width", 5, WHEEL, "d = 70", "d = 68", 6),
    ("eye_diameter", 34, RING, "d = 6", "d = 7", 33),
    ("ring_diameter", 40, RING, "[20,", "[21,", 42),
    ("ring_radius", 20, HALF_RING, "[20,", "[20.1,", 20.1),
    ("ball_from_bottom", 5, FOOTED, "0, 25]) sphere", "0, 26]) sphere", 6),
    ("boss_circle_diameter", 40, STUDDED, "[10, 50]", "[10, 52]", 44),
    ("boss_pitch_x", 40, STUDDED, "[10, 50]", "[10, 52]", 42),
    ("row_x_pitch", 12, GRID, "i * 12", "i * 12.5", 12.5),
    ("row_y_pitch", 12, GRID, "j * 12", "j * 12.5", 12.5),
    ("row_z_pitch", 15, UPRIGHT, "z * 15", "z * 16", 16),
    ("slot_from_left", 32, PLATE_OF_SLOTS, "[20,", "[21,", 33),
    ("slot_from_right", 48, PLATE_OF_SLOTS, "[20,", "[21,", 47),
    ("slot_from_front", 15, PLATE_OF_SLOTS, "15, 3", "14, 3", 14),
    ("slot_from_back", 45, PLATE_OF_SLOTS, "15, 3", "14, 3", 46),
    ("slot_from_bottom", 12, SIDE_SLOT, "12]", "12.1]", 12.1),
    ("slot_from_top", 28, SIDE_SLOT, "12]", "12.1]", 27.9),
    ("slot_circle_diameter", 34, VENT, "[12,", "[12.2,", 34.4),
    ("slot_start", 10, VENT, "[12,", "[12.2,", 10.2),
    ("slot_start", 10, SQUARE_VENT, "[10,", "[11,", 11),
    ("slot_pitch_x", 24, SLOTS, "i * 24", "i * 23", 23),
    ("slot_pitch_y", 15, SLOTS, "j * 15", "j * 16", 16),
    ("side_length", 10, SIX_SIDED, "r = 10", "r = 10.1", 10.1),
    ("tooth_depth", math.hypot(22, 1) - 18, GEAR, "r = 18", "r = 17.5", math.hypot(22, 1) - 17.5),
    ("gear_module", math.hypot(22, 1) / 11, GEAR, "[22, -1], [22, 1]", "[21, -1], [21, 1]", math.hypot(21, 1) / 11),
    ("box_wall", 2, CASE, "[2, 2, 2]", "[2, 2, 2.5]", 2.5),
    ("box_wall", 2, COVER, "59, 36]", "59.5, 36]", 1.5),
    ("any_bar_width", 6, WHEEL, "[37, 6, 10]", "[37, 5.8, 10]", 5.8),
    ("any_opening_width", 4, SQUARE_VENT, "[14, 4, 6]", "[14, 4.2, 6]", 4.2),
    ("any_opening_width", 14, SQUARE_VENT, "[14, 4, 6]", "[13, 4, 6]", 13),
    ("notch_pitch", 20, NOTCHED, "i * 20", "i * 19", 19),
    ("any_corner_from_left", 32, FREE, "[32, 20]", "[33, 20]", 33),
    ("any_corner_from_right", 8, FREE, "[32, 20]", "[33, 20]", 7),
    ("any_corner_from_front", 15, FREE, "[10, 15]", "[10, 16]", 16),
    ("any_corner_from_back", 5, FREE, "[10, 15]", "[10, 16]", 4),
    ("any_corner_from_bottom", 15, FREE_UPRIGHT, "[10, 15]", "[10, 16]", 16),
    ("any_corner_from_top", 5, FREE_UPRIGHT, "[10, 15]", "[10, 16]", 4),
    ("any_edge_x", 8, FREE, "[32, 20]", "[33, 20]", 7),
    ("any_edge_y", 5, FREE, "[10, 15]", "[10, 16]", 4),
    ("any_edge_z", 5, FREE_UPRIGHT, "[10, 15]", "[10, 16]", 4),
]
COUNTED = [
    ("holes", 12, GRID, "[0 : 3]", "[0 : 2]", 9),
    ("off_centre_holes", 6, FLANGE, "6 - 1", "5 - 1", 5),
    ("columns", 4, GRID, "[0 : 3]", "[0 : 4]", 5),
    ("rows", 3, GRID, "[0 : 2]", "[0 : 1]", 2),
    ("sides", 6, HEX, "$fn = 6", "$fn = 8", 8),
    ("teeth", 20, GEAR, "20 - 1", "19 - 1", 19),
    ("counterbores", 1, DRILLED, "d = 9", "d = 5", 0),
    ("countersinks", 1, DRILLED, "d2 = 10", "d2 = 5", 0),
    ("slots", 1, PLATE_OF_SLOTS, "d = 6", "d = 600", 0),
    ("pockets", 1, POCKETED, "10, 3]", "10, 8]", 0),
    ("windows", 1, WINDOWED, "-1, 10]", "-10, 10]", 0),
    ("bosses", 2, STUDDED, "[10, 50]", "[10, 30, 50]", 3),
    ("grooves", 1, PULLEY, "[14, 6]", "[20.5, 6]", 0),
    ("ribs", 1, GUSSET, "[4, 30]]", "[4, 4.001]]", 0),
    ("fins", 5, FINNED, "5 - 1", "4 - 1", 4),
    ("slats", 5, GRILLE, "6 - 1", "5 - 1", 4),
    ("row_x_holes", 4, GRID, "[0 : 3]", "[0 : 2]", 3),
    ("row_y_holes", 3, GRID, "[0 : 2]", "[0 : 1]", 2),
    ("row_z_holes", 3, UPRIGHT, "[0 : 2]", "[0 : 3]", 4),
    ("any_ring_holes", 6, FLANGE, "6 - 1", "5 - 1", 5),
    ("pocket_columns", 3, TRAY, "[0 : 2]", "[0 : 1]", 2),
    ("pocket_rows", 2, TRAY, "[0 : 1]", "[0 : 0]", 1),
    ("spokes", 5, WHEEL, "i * 72", "i * 90", 4),
    ("tines", 4, COMB, "[0 : 3]", "[0 : 2]", 3),
    ("notches", 3, NOTCHED, "[0 : 2]", "[0 : 1]", 2),
]


def checked(code: str, kind: str, expected: float) -> dict:
    stated = {"kind": kind, "name": kind, KINDS[base_kind(kind)].unit: expected}
    if kind.startswith("step_"):
        stated["step"] = 2
    check_kinds([stated])
    return check_dimensions([stated], measure(solid(parse_openscad(code))))[0]


@pytest.mark.parametrize(("kind", "expected", "code", "right", "wrong", "measured"), PLANTED + COUNTED)
def test_a_planted_error_fails_its_check_which_tells_what_was_measured(
    kind: str, expected: float, code: str, right: str, wrong: str, measured: float
) -> None:
    assert right in code
    assert checked(code, kind, expected)["ok"]
    check = checked(code.replace(right, wrong), kind, expected)
    assert not check["ok"]
    assert check["measured"] == pytest.approx(measured, abs=1e-3)


def test_every_kind_has_a_planted_error() -> None:
    assert {base_kind(case[0]) for case in PLANTED + COUNTED} == set(KINDS)


def test_the_table_of_kinds_in_the_documents_is_the_one_that_the_judge_has() -> None:
    document = Path(__file__).parents[2] / "docs" / "dimensions.md"
    assert document.read_text(encoding="utf-8").endswith("\n\n" + table() + "\n")


def test_every_kind_that_parts_state_is_known() -> None:
    rng = random.Random(31)
    for family in FAMILIES:
        for _ in range(20):
            check_kinds(sample_part(rng, family).stated)


def test_any_of_several_values_may_be_the_stated_one_where_that_is_asked() -> None:
    code = CORNERS.replace("[9, 71]", "[20]")
    assert {checked(code, kind, 5.5)["ok"] for kind in ("hole_diameter", "off_centre_hole_diameter")} == {False, True}
    assert checked(code, "any_hole_diameter", 5.5)["ok"]
    assert checked(code, "any_hole_radius", 10)["ok"]
    assert checked(code, "any_hole_diameter", 6) == {
        **{"kind": "any_hole_diameter", "name": "any_hole_diameter"},
        **{"expected": 6, "measured": 5.5, "ok": False},
    }


@pytest.mark.parametrize("bad", [{"kind": "girth", "mm": 3}, {"kind": "wall"}, {"kind": "holes", "mm": 3}, {}])
def test_a_kind_that_nobody_can_measure_is_bad_input(bad: dict) -> None:
    with pytest.raises(InputError, match="expected a known kind"):
        check_kinds([bad])


def test_every_number_that_a_sentence_states_holds_on_its_reference() -> None:
    kinds = set()
    for row in make_rows(300, seed=21):
        assert row["stated"], row["prompt"]
        checks = check_dimensions(row["stated"], measure(solid(parse_openscad(row["completion"]))))
        assert [check for check in checks if not check["ok"]] == [], row["prompt"]
        kinds |= {base_kind(check["kind"]) for check in checks}
    assert len(kinds) > 40


def test_a_failure_is_named_with_what_was_measured() -> None:
    stated = [{"kind": "off_centre_hole_diameter", "name": "hole diameter", "mm": 5.5}]
    verdict = judge(CORNERS.replace("d = 5.5", "d = 5"), CORNERS, stated)
    assert verdict.reason == "hole diameter 5.5 mm: measured 5 mm"
    assert not verdict.dimensions_ok
    assert not verdict.all_pass
    assert failure_text(checked("cube(5);", "bore_diameter", 4)) == "bore_diameter 4 mm: none found"
    assert failure_text(checked(GRID, "columns", 5)) == "columns 5: measured 4"


def test_dimensions_are_measured_in_the_references_frame_however_the_part_lies() -> None:
    stated = [{"kind": "step_diameter", "name": "step 2 diameter", "step": 2, "mm": 12}]
    lying = SHAFT.replace("union()", "translate([3, 4, 5]) rotate([0, 90, 90]) union()")
    assert judge(lying, SHAFT, stated).all_pass


def test_a_stated_dimension_that_the_reference_lacks_fails_an_equal_part() -> None:
    verdict = judge(BRACKET, BRACKET, [{"kind": "length", "name": "length", "mm": 51}])
    assert not verdict.all_pass
    assert verdict.reason == "length 51 mm: measured 50 mm"
