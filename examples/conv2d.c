/* conv2d in C99, for examples/c_function.py. sizes: n c h w, o kh kw, oh ow, stride, top left, dilation, groups. */

void conv2d(const float *input, const float *weight, const float *bias, float *output, const long *sizes)
{
    const long N = sizes[0], C = sizes[1], H = sizes[2], W = sizes[3], O = sizes[4], KH = sizes[5], KW = sizes[6];
    const long OH = sizes[7], OW = sizes[8], SH = sizes[9], SW = sizes[10], TOP = sizes[11], LEFT = sizes[12];
    const long DH = sizes[13], DW = sizes[14], G = sizes[15], CG = C / G;

    for (long n = 0; n < N; n++)
        for (long o = 0; o < O; o++)
            for (long y = 0; y < OH; y++)
                for (long x = 0; x < OW; x++) {
                    const float *image = input + (n * C + o / (O / G) * CG) * H * W;
                    const float *filter = weight + o * CG * KH * KW;
                    float total = bias ? bias[o] : 0;
                    for (long c = 0; c < CG; c++)
                        for (long i = 0; i < KH; i++)
                            for (long j = 0; j < KW; j++) {
                                const long row = y * SH + i * DH - TOP, column = x * SW + j * DW - LEFT;
                                if (row >= 0 && row < H && column >= 0 && column < W)
                                    total += image[(c * H + row) * W + column] * filter[(c * KH + i) * KW + j];
                            }
                    output[((n * O + o) * OH + y) * OW + x] = total;
                }
}
