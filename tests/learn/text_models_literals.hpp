#pragma once

// Made by text_models_literals.py with torch 1.13.0a0
namespace literals {

constexpr unsigned width = 8, layers = 2, heads = 2, length = 6, rows = 4;
constexpr double rate = 0.5;
constexpr double gru[] = {5.583876425, 5.524782428, 5.473643141, 5.426876504, 5.381983294, 5.337201185};
constexpr double transformer[] = {5.699385768, 5.226817973, 5.062658988, 4.924630690, 4.942650301, 4.585293143};

}  // namespace literals
